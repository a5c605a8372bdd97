"""The course on a real GPU: what a bare machine needs is packed here and checked there."""
