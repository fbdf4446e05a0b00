# What Debian's packages of Kea and dhcpd would have left behind.
rm lockstep6.yaml
mkdir -p /var/lib/kea /etc/kea /etc/dhcp
echo 00:01:00:01:32:9b:a2:31:ca:80:c7:99:9d:89 >/var/lib/kea/kea-dhcp6-serverid
cat >/etc/kea/kea-dhcp6.conf <<END
{"Dhcp6": {"interfaces-config": {"interfaces": ["eth0"]}, "subnet6": [{"id": 1, "subnet": "2001:db8:1::/64", "interface": "eth0",
  "pools": [{"pool": "2001:db8:1::1000 - 2001:db8:1::1fff"}]}]}}
END
cat >/etc/kea/kea-dhcp-ddns.conf <<END
{"DhcpDdns": {"ip-address": "127.0.0.1", "port": 53001, "tsig-keys": [], "forward-ddns": {}, "reverse-ddns": {}}}
END
cat >/etc/dhcp/dhcpd6.conf <<END
subnet6 2001:db8:1::/64 { range6 2001:db8:1::1000 2001:db8:1::1fff; }
END
cp /etc/dhcp/dhcpd6.conf dhcpd6.conf
