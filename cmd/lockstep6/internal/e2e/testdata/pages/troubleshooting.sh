# Clients on a link that the configuration doesn't have.
lockstep6 bench --server '[2001:db8:f::1]:547' --link-address 2001:db8:99::1 --rate 10 --duration 1s --patience 100ms || true
until lockstep6 why --data /var/lib/lockstep6 | grep -q clients; do sleep 0.1; done
