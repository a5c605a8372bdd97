// The surface of drawing.py: a grid of 28 x 28 squares that takes ink from mouse, finger, pen and keyboard.

const SIDE = 28;
const PEN = 1.2; // radius in squares; drawing.py has the same
const RUBBER = 2; // reaches beyond the soft edge of the pen, so that nothing faint stays behind
const PAUSE_MS = 200; // the model is asked when the reader has paused this long, however fast strokes follow
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ERASING_KEYS = ["x", "X", "Delete", "Backspace"];
const HELP = "Draw a digit with mouse, finger or pen. By keyboard: arrow keys move the frame, Space draws, x erases; " +
  "hold Space or x while you move to draw or erase a line.";

function render({ model, el }) {
  const { canvas, cursor, place, eraser, clear } = build(el);
  const ink = new Uint8Array(SIDE * SIDE);
  const held = { pen: false, rubber: false }; // by keys
  let at = [14.5, 14.5]; // middle of the square where the keyboard draws
  let stroke = null; // of a pointer: which one, where it is, and whether it erases
  let timer = null;

  function paint() {
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(SIDE, SIDE);
    ink.forEach((value, i) => pixels.data.set([255 - value, 255 - value, 255 - value, 255], 4 * i));
    context.putImageData(pixels, 0, 0);
  }

  function send() {
    clearTimeout(timer);
    model.set("ink", new DataView(ink.slice().buffer));
    model.save_changes(); // while the kernel is busy, ipywidgets keeps the newest drawing only
  }

  function mark(from, to, erase) {
    apply(ink, from, to, erase);
    paint();
    clearTimeout(timer);
    timer = setTimeout(send, PAUSE_MS);
  }

  function moveTo(x, y) {
    const inside = (value) => Math.min(Math.max(Math.floor(value), 0), SIDE - 1) + 0.5;
    at = [inside(x), inside(y)];
    cursor.style.left = `${((at[0] - 0.5) / SIDE) * 100}%`;
    cursor.style.top = `${((at[1] - 0.5) / SIDE) * 100}%`;
    const inked = ink[Math.floor(at[1]) * SIDE + Math.floor(at[0])] > 127;
    place.textContent = `row ${at[1] + 0.5}, column ${at[0] + 0.5}${inked ? ", ink" : ""}`;
  }

  const erasing = () => eraser.getAttribute("aria-pressed") === "true";

  // ---- mouse, finger, pen

  canvas.addEventListener("pointerdown", (event) => {
    const eraserEnd = event.button === 5; // of a pen
    if (!event.isPrimary || (event.button !== 0 && !eraserEnd)) return;
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    stroke = { pointer: event.pointerId, at: inGrid(canvas, event), erase: eraserEnd || erasing() };
    mark(stroke.at, stroke.at, stroke.erase);
  });

  canvas.addEventListener("pointermove", (event) => {
    if (stroke?.pointer !== event.pointerId) return;
    const passed = event.getCoalescedEvents?.() ?? []; // all places of a quick hand, not only the last
    for (const one of passed.length ? passed : [event]) {
      const next = inGrid(canvas, one);
      mark(stroke.at, next, stroke.erase);
      stroke.at = next;
    }
    clearTimeout(timer); // the stroke goes on
  });

  canvas.addEventListener("lostpointercapture", (event) => {
    if (stroke?.pointer !== event.pointerId) return;
    moveTo(...stroke.at);
    stroke = null;
    timer = setTimeout(send, PAUSE_MS);
  });

  // ---- keyboard

  canvas.addEventListener("keydown", (event) => {
    if (isShortcut(event) || !takes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (STEPS[event.key]) step(STEPS[event.key]);
    else if (!event.repeat) press(event.key);
  });

  canvas.addEventListener("keyup", (event) => {
    if (event.key === " ") held.pen = false;
    if (ERASING_KEYS.includes(event.key)) held.rubber = false;
  });

  canvas.addEventListener("blur", () => {
    held.pen = held.rubber = false;
  });

  function press(key) {
    held[key === " " ? "pen" : "rubber"] = true;
    mark(at, at, key !== " " || erasing());
    moveTo(...at);
  }

  function step([right, down]) {
    const from = at;
    moveTo(at[0] + right, at[1] + down);
    if (held.pen || held.rubber) mark(from, at, held.rubber || erasing());
    moveTo(...at);
  }

  // ---- buttons

  function backToThePaper(event) {
    const byMouse = event.detail > 0; // a key leaves the focus where it is
    if (byMouse) canvas.focus({ preventScroll: true });
  }

  eraser.addEventListener("click", (event) => {
    eraser.setAttribute("aria-pressed", String(!erasing()));
    eraser.classList.toggle("mod-active", erasing());
    canvas.classList.toggle("erasing", erasing());
    backToThePaper(event);
  });

  clear.addEventListener("click", (event) => {
    ink.fill(0);
    paint();
    moveTo(...at);
    send();
    backToThePaper(event);
  });

  // ---- what another view of the same widget draws, or Python

  function follow() {
    const sent = model.get("ink");
    ink.set(new Uint8Array(sent.buffer, sent.byteOffset, sent.byteLength).subarray(0, ink.length));
    paint();
  }

  model.on("change:ink", follow);
  follow();
  moveTo(...at);
  return () => {
    clearTimeout(timer);
    model.off("change:ink", follow);
  };
}

/** Whether a key is meant for JupyterLab, like Ctrl+S. */
function isShortcut(event) {
  return event.ctrlKey || event.metaKey || event.altKey;
}

/** Whether the surface itself does something with a key. */
function takes(key) {
  return key === " " || key in STEPS || ERASING_KEYS.includes(key);
}

/** Put ink along the way between two points, or take it away. */
function apply(ink, from, to, erase) {
  for (let i = 0; i < ink.length; i++) {
    const away = distance([(i % SIDE) + 0.5, Math.floor(i / SIDE) + 0.5], from, to);
    if (!erase) ink[i] = Math.max(ink[i], Math.round(255 * Math.min(Math.max(PEN + 0.5 - away, 0), 1)));
    else if (away <= RUBBER) ink[i] = 0;
  }
}

/** Distance of a point from the segment between a and b. */
function distance([x, y], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const along = ((x - ax) * dx + (y - ay) * dy) / Math.max(dx * dx + dy * dy, 1e-12);
  const t = Math.min(Math.max(along, 0), 1);
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

/** Where a pointer is, in squares from the upper left corner. */
function inGrid(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
}

/** The elements: paper with canvas and cursor on the left, buttons and help on the right. */
function build(el) {
  el.classList.add("course-drawing");
  el.innerHTML = `
    <div class="paper">
      <canvas width="${SIDE}" height="${SIDE}" tabindex="0" role="application"
        aria-label="drawing of a digit, ${SIDE} by ${SIDE} squares"></canvas>
      <div class="cursor" aria-hidden="true"></div>
    </div>
    <div class="tools">
      <div class="buttons">
        <button type="button" class="eraser jupyter-button widget-toggle-button" aria-pressed="false">Eraser</button>
        <button type="button" class="clear jupyter-button widget-button">Clear</button>
      </div>
      <p class="help">${HELP}</p>
      <p class="place" aria-live="polite"></p>
    </div>`;
  // Without this JupyterLab would cut the cell on x, and delete it on d d. It looks at what has the focus first.
  el.addEventListener("keydown", (event) => {
    event.target.toggleAttribute("data-lm-suppress-shortcuts", !isShortcut(event));
  }, true);
  const find = (name) => el.querySelector(name);
  const help = find(".help");
  help.id = `course-drawing-help-${crypto.randomUUID?.() ?? Math.random()}`; // several may be on one page
  find("canvas").setAttribute("aria-describedby", help.id);
  return {
    canvas: find("canvas"), cursor: find(".cursor"), place: find(".place"),
    eraser: find(".eraser"), clear: find(".clear"),
  };
}

export default { render };
