"""Calls out: TCP, UDP and IPv6 to the internet, DNS, the cloud's metadata, the engine's host."""
# on top of: honest
# must: N
import os
import socket

OUTSIDE = [("1.1.1.1", 443), ("192.0.2.1", 80), ("169.254.169.254", 80), ("172.17.0.1", 2375),
           ("2606:4700:4700::1111", 443), ("fd00:ec2::254", 80)]
DNS_QUERY = b"\0\1\1\0\0\1\0\0\0\0\0\0\7example\3org\0\0\1\0\1"
honest = layer_parameter_counts


def tcp(address):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(1)
        connection.connect(address)


def udp(address):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as connection:
        connection.sendto(DNS_QUERY, address)   # that it leaves at all is too much


def docker_s_own_name_server():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(0.3)
        connection.sendto(DNS_QUERY, ("127.0.0.11", 53))
        connection.recv(512)


def raw():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()


def works(attempt, *arguments):
    try:
        attempt(*arguments)
    except OSError:
        return False
    return True


def layer_parameter_counts(model):
    found = [f"{kind.__name__} {address}" for address in OUTSIDE for kind in (tcp, udp)
             if works(kind, address)]
    found += [name for name in ("example.org", "metadata.google.internal", "host.docker.internal")
              if works(socket.getaddrinfo, name, 80)]
    found += [kind.__name__ for kind in (docker_s_own_name_server, raw) if works(kind)]
    found += [name for name in os.listdir("/sys/class/net") if name != "lo"]
    if found:
        raise RuntimeError(f"out of the box: {found}")
    return honest(model)
