//! Sorts addresses: the internet, someone's own network, and what no command is ever led to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressScope {
    /// The internet.
    Public,
    /// A company's or a household's own network: reachable only for a host that is listed as lying there.
    Private,
    /// This machine, the machine's keeper, or nobody: never reachable. The word says which.
    Never(&'static str),
}

use AddressScope::{Never, Private, Public};

/// Ranges of IPv4 that are not the internet. The first that matches counts.
const V4: &[([u8; 4], u32, AddressScope)] = &[
    // What tells a virtual machine its secrets, where it does not lie in a range below.
    ([168, 63, 129, 16], 32, Never("a metadata service")),
    ([100, 100, 100, 200], 32, Never("a metadata service")),
    ([0, 0, 0, 0], 8, Never("this network")),
    ([10, 0, 0, 0], 8, Private),
    ([100, 64, 0, 0], 10, Private),
    ([127, 0, 0, 0], 8, Never("this machine")),
    ([169, 254, 0, 0], 16, Never("a link-local address")),
    ([172, 16, 0, 0], 12, Private),
    ([192, 0, 0, 0], 24, Never("a reserved address")),
    ([192, 0, 2, 0], 24, Never("a reserved address")),
    ([192, 31, 196, 0], 24, Never("a reserved address")),
    ([192, 52, 193, 0], 24, Never("a reserved address")),
    ([192, 88, 99, 0], 24, Never("a relay")),
    ([192, 168, 0, 0], 16, Private),
    ([192, 175, 48, 0], 24, Never("a reserved address")),
    ([198, 18, 0, 0], 15, Never("a reserved address")),
    ([198, 51, 100, 0], 24, Never("a reserved address")),
    ([203, 0, 113, 0], 24, Never("a reserved address")),
    ([224, 0, 0, 0], 4, Never("many machines")),
    ([240, 0, 0, 0], 4, Never("a reserved address")),
];

/// Ranges of IPv6, sorted out before the rest of `2000::/3` counts as the internet.
const V6: &[([u16; 8], u32, AddressScope)] = &[
    ([0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254], 128, Never("a metadata service")),
    ([0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x254], 128, Never("a metadata service")),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, Private),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, Never("a link-local address")),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, Never("many machines")),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, Never("a reserved address")),
    ([0x2001, 0x0db8, 0, 0, 0, 0, 0, 0], 32, Never("a reserved address")),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, Never("a relay")),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, Never("a reserved address")),
    ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3, Public),
];

/// Returns what an address belongs to. An IPv4 address in IPv6 clothes is judged as what it is.
#[must_use]
pub fn scope_of(address: IpAddr) -> AddressScope {
    match address {
        IpAddr::V4(address) => scope_of_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => scope_of_v4(inner),
            None => scope_of_v6(address),
        },
    }
}

fn scope_of_v4(address: Ipv4Addr) -> AddressScope {
    let bits = u32::from(address);
    let is_in = |net: [u8; 4], prefix: u32| (bits ^ u32::from(Ipv4Addr::from(net))) >> (32 - prefix) == 0;
    V4.iter().find(|(net, prefix, _)| is_in(*net, *prefix)).map_or(Public, |it| it.2)
}

fn scope_of_v6(address: Ipv6Addr) -> AddressScope {
    let bits = u128::from(address);
    let is_in = |net: [u16; 8], prefix: u32| (bits ^ u128::from(Ipv6Addr::from(net))) >> (128 - prefix) == 0;
    let found = V6.iter().find(|(net, prefix, _)| is_in(*net, *prefix));
    found.map_or(Never("a reserved address"), |it| it.2)
}

/// Returns the IPv4 address that a mapped or translated IPv6 address stands for. `::1` and `::` stand for none.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let low = Ipv4Addr::from((u32::from(segments[6]) << 16) | u32::from(segments[7]));
    let is_mapped = segments[..5] == [0; 5] && segments[5] == 0xffff;
    let is_translated = segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    (is_mapped || is_translated).then_some(low)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(text: &str) -> &'static str {
        match scope_of(text.parse().unwrap()) {
            Public => "public",
            Private => "private",
            Never(_) => "never",
        }
    }

    #[test]
    fn addresses_are_sorted_by_whom_they_belong_to() {
        let table = [
            (
                "public",
                &[
                    "8.8.8.8",
                    "1.1.1.1",
                    "100.63.255.255",
                    "100.128.0.0",
                    "172.15.255.255",
                    "172.32.0.0",
                    "223.255.255.255",
                    "2606:4700::1",
                    "::ffff:8.8.8.8",
                    "64:ff9b::808:808",
                ][..],
            ),
            (
                "private",
                &[
                    "10.0.0.1",
                    "172.16.0.1",
                    "172.31.255.255",
                    "192.168.1.1",
                    "100.64.0.1",
                    "100.127.255.255",
                    "fc00::1",
                    "fd12:3456::1",
                    "::ffff:10.0.0.1",
                    "64:ff9b::a00:1",
                ][..],
            ),
            (
                "never",
                &[
                    "127.0.0.1",
                    "127.255.255.255",
                    "0.0.0.0",
                    "0.1.2.3",
                    "169.254.169.254",
                    "169.254.0.1",
                    "100.100.100.200",
                    "168.63.129.16",
                    "192.0.0.192",
                    "192.0.2.1",
                    "198.18.0.1",
                    "198.51.100.1",
                    "203.0.113.1",
                    "224.0.0.1",
                    "239.255.255.255",
                    "240.0.0.1",
                    "255.255.255.255",
                    "::",
                    "::1",
                    "::7f00:1",
                    "::ffff:127.0.0.1",
                    "::ffff:169.254.169.254",
                    "64:ff9b::7f00:1",
                    "64:ff9b:1::1",
                    "fe80::1",
                    "fec0::1",
                    "ff02::1",
                    "2001::1",
                    "2001:db8::1",
                    "2002:7f00:1::1",
                    "3fff::1",
                    "fd00:ec2::254",
                    "100::1",
                    "5f00::1",
                    "4000::1",
                ][..],
            ),
        ];
        for (expected, addresses) in table {
            for address in addresses {
                assert_eq!(word(address), expected, "{address}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_mapped_address_is_judged_as_what_it_stands_for(bits in any::<u32>()) {
            let plain = Ipv4Addr::from(bits);
            prop_assert_eq!(scope_of(plain.into()), scope_of(plain.to_ipv6_mapped().into()));
        }

        #[test]
        fn what_the_standard_library_knows_as_special_is_never_public(bits in any::<u32>()) {
            let it = Ipv4Addr::from(bits);
            let is_special = it.is_loopback() || it.is_private() || it.is_link_local() || it.is_multicast()
                || it.is_broadcast() || it.is_documentation() || it.is_unspecified();
            prop_assert!(!is_special || scope_of(it.into()) != Public);
        }
    }
}
