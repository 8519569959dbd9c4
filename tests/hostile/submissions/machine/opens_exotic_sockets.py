"""Opens sockets of every family there is: AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG, Bluetooth ..."""
# on top of: honest
# must: N
import errno
import socket

ORDINARY = {1, 2, 10}   # AF_UNIX, AF_INET, AF_INET6
honest = layer_parameter_counts


def reaches_the_kernel(make, family, kind):
    """An error other than a refusal means that the kernel's code for the family has run."""
    try:
        for end in make(family, kind):
            end.close()
    except OSError as error:
        return error.errno not in (errno.EPERM, errno.EACCES)
    return True


def layer_parameter_counts(model):
    makers = {"socket": lambda *how: [socket.socket(*how)], "socketpair": socket.socketpair}
    kinds = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET
    found = [(name, family, int(kind)) for name, make in makers.items() for kind in kinds
             for family in set(range(64)) - ORDINARY if reaches_the_kernel(make, family, kind)]
    if found:
        raise RuntimeError(f"families of sockets: {found}")
    return honest(model)
