package load

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"slices"

	"github.com/lockstep6/lockstep6/io/udp"
)

// Bounds of a Config.
const (
	MaxServers = 16
	MaxClients = 1 << 24
	MaxRelays  = 4096
)

// A Config says who the clients are, and where the servers.
type Config struct {
	Clients     int              // how many, 1 to MaxClients; they are numbered from 0
	First       int              // added to their numbers in DUIDs, IAIDs and link-local addresses, so that two generators differ
	Servers     []netip.AddrPort // 1 to MaxServers; every message is copied to each
	Relays      int              // sockets, 1 to MaxRelays, no more than clients
	Workers     int              // goroutine pairs that play them; 0: one for each core that Go may use
	Sources     []netip.Addr     // the relays' own addresses, which they take in turn; none: loopback, or for other servers any
	SourcePort  uint16           // the relays' port; 0: any. Where it isn't 547 the server must know RFC 8357
	Shared      bool             // relays share a worker's socket, each by a source of its own: hundreds of sockets cost the generator its time
	Window      int              // of Run: most exchanges under way at once, over all relays
	LinkAddress netip.Addr       // what the relays write into link-address
	Prefixes    bool             // each client wants a delegated prefix
	NoAddresses bool             // and no address
	InterfaceID bool             // the relays add an Interface-ID
	RemoteID    bool             // and a Remote-ID
	GRO         bool             // the kernel merges datagrams of equal length on receive
	Times       Times            // zero: StandardTimes
	Seed        uint64           // of transaction-ids and of the spread of retransmissions
	Logger      *slog.Logger     // nil: silent

	// Heard is called with every lease that a server tells a client, late and repeated answers included; nil: nobody asks.
	// It is called by several goroutines, must be quick, and must not keep the Answer.
	Heard func(*Answer)
}

// Check refuses a Config that could never work, and says why.
func (c Config) Check() error {
	_, err := c.checked()
	return err
}

// checked fills in defaults and refuses what could never work.
func (c Config) checked() (Config, error) {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Clients < 1 || c.First < 0 || c.Clients > MaxClients || c.First > MaxClients-c.Clients {
		refuse("%d clients from number %d: must be 1 to %d, and so must the last one's number", c.Clients, c.First, MaxClients)
	}
	if len(c.Servers) < 1 || len(c.Servers) > MaxServers {
		refuse("%d servers: must be 1 to %d", len(c.Servers), MaxServers)
	}
	for _, s := range c.Servers {
		if !s.Addr().Is6() || s.Addr().Is4In6() || s.Port() == 0 {
			refuse("server %s: not an IPv6 address and port such as [::1]:547", s)
		}
	}
	if c.Relays < 1 || c.Relays > min(c.Clients, MaxRelays) {
		refuse("%d relays: must be 1 to the number of clients, at most %d", c.Relays, MaxRelays)
	}
	if c.Window < 1 {
		refuse("a window of %d exchanges: must be 1 or more", c.Window)
	}
	if !c.LinkAddress.Is6() || c.LinkAddress.Is4In6() {
		refuse("link-address %s isn't an IPv6 address", c.LinkAddress)
	}
	if c.NoAddresses && !c.Prefixes {
		refuse("the clients want neither an address nor a prefix")
	}
	if c.Shared && (c.SourcePort != 0 || len(c.Sources) < c.Relays) {
		refuse("%d relays with %d sources at port %d share a socket: each needs a source of its own, and the port is the kernel's choice", c.Relays, len(c.Sources), c.SourcePort)
	}
	if c.SourcePort != 0 && c.Relays > max(len(c.Sources), 1) {
		refuse("%d relays at port %d: each needs a source address of its own there, or leave the port to the kernel", c.Relays, c.SourcePort)
	}
	if c.Times == (Times{}) {
		c.Times = StandardTimes()
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	c.Workers = max(min(c.Workers, c.Relays), 1)
	if len(c.Sources) == 0 {
		c.Sources = []netip.Addr{netip.IPv6Unspecified()}
		if !slices.ContainsFunc(c.Servers, func(s netip.AddrPort) bool { return !s.Addr().IsLoopback() }) {
			c.Sources[0] = netip.IPv6Loopback()
		}
	}
	return c, errors.Join(errs...)
}

// local is where the sockets of a site's relays bind: of the relays with numbers site, site+workers and so on.
func (c *Config) local(site int) (all []netip.AddrPort) {
	if c.Shared {
		return []netip.AddrPort{netip.AddrPortFrom(netip.IPv6Unspecified(), 0)}
	}
	for n := site; n < c.Relays; n += c.Workers {
		all = append(all, netip.AddrPortFrom(c.Sources[n%len(c.Sources)], c.SourcePort))
	}
	return all
}

// interfaces are those that the servers' addresses name, by server; 0: none.
func (c *Config) interfaces() ([]uint32, error) {
	indexes := make([]uint32, len(c.Servers))
	for i, s := range c.Servers {
		if zone := s.Addr().Zone(); zone != "" {
			link, err := net.InterfaceByName(zone)
			if err != nil {
				return nil, fmt.Errorf("server %s: there is no interface %s", s, zone)
			}
			indexes[i] = uint32(link.Index)
		}
	}
	return indexes, nil
}

// serverAt is the number of the server that sends from an address, or nobody. A single server may answer from
// another address than it was asked at: from multicast it must.
func (c *Config) serverAt(addr *[16]byte, port uint16) int {
	if len(c.Servers) == 1 {
		return 0
	}
	for i, s := range c.Servers {
		if s.Port() == port && s.Addr().As16() == *addr {
			return i
		}
	}
	return nobody
}

// wants is what the clients ask for, by wire.Kind-1.
func (c *Config) wants() [2]bool { return [2]bool{!c.NoAddresses, c.Prefixes} }

// anyPort tells whether servers must be asked to answer to another port than relays have (RFC 8357).
func (c *Config) anyPort() bool { return c.SourcePort != udp.ServerPort }
