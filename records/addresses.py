"""Internet addresses: what one really reaches, and whether that is public."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))  # RFC 6052, RFC 8215
_COMPATIBLE = IPv6Network("::/96")  # RFC 4291 2.5.5.1, deprecated


def parsed(address: str) -> Address:
    """Read an address, without the zone of a link-local one."""
    return ipaddress.ip_address(address.partition("%")[0])


def reached(address: str) -> Address:
    """The address that is reached: an IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64) is that one."""
    found = parsed(address)
    if isinstance(found, IPv4Address):
        return found
    inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
    if inner is None and any(found in network for network in _NAT64):
        inner = IPv4Address(int(found) & 0xFFFFFFFF)
    if inner is None and found in _COMPATIBLE and int(found) > 1:
        inner = IPv4Address(int(found))
    return inner or found


def is_public(address: Address) -> bool:
    """Whether an address is ordinary unicast of the public internet."""
    if isinstance(address, IPv6Address) and address.is_site_local:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
