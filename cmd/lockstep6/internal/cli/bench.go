package cli

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/bench/measure"
	"github.com/lockstep6/lockstep6/bench/meter"
	"github.com/lockstep6/lockstep6/bench/plot"
	"github.com/lockstep6/lockstep6/io/udp"
)

type benchFlags struct {
	servers, sources                                        []string
	link, mix                                               string
	clients, first, relays, workers                         int
	sourcePort                                              uint16
	addresses, prefixes, interfaceID, remoteID, gro, resend bool
	rate, loss                                              float64
	duration, patience, step, pause, limit                  time.Duration
	ramp                                                    bool
	pids                                                    []int
	json, svg                                               string
}

// leasesWindow is how many exchanges are under way while the clients get the leases that a mix needs.
const leasesWindow = 256

func newBench() *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use:   "bench",
		Short: "Load a DHCPv6 server, of whatever make, and measure it",
		Long: `Play clients behind relays that ask a DHCPv6 server for leases, at a rate that doesn't depend on the answers, and tell
how many exchanges were done and how long they took; or find the highest rate with next to no loss (--ramp).

An exchange's latency counts from the time at which it was to begin. What has not ended after --patience is lost.
With --pid the server's CPU time, memory and dropped datagrams are measured beside it, on the same machine.

The clients' DUIDs are DUID-LL of 02:00 and the client's number. The server keeps their leases: don't use it on a
server that others depend on. docs/bench.md tells the method, and what each figure means.`,
		Example: `  lockstep6 bench --server '[::1]:10547' --link-address 2001:db8:1::1
  lockstep6 bench --server '[::1]:10547' --link-address 2001:db8:1::1 --mix acquire=1,renew=10 --rate 20000 --pid 4711
  lockstep6 bench --server '[::1]:10547' --link-address 2001:db8:1::1 --ramp --json ramp.json --svg ramp
  lockstep6 bench --server 2001:db8::53 --link-address 2001:db8:1::1 --source 2001:db8:1::1 --source-port 547 --relays 1`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return bench(c, &f) },
	}
	f.addTo(c.Flags())
	return c
}

func (f *benchFlags) addTo(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.servers, "server", nil, "the server's `ADDR` or [ADDR]:PORT (port 547); may be repeated: each gets a copy of every message")
	flags.StringVar(&f.link, "link-address", "", "link-address `ADDR` of the relays: on a link that the server has leases for")
	flags.StringArrayVar(&f.sources, "source", nil, "own address `ADDR` of the relays, taken in turn; may be repeated (loopback for a server there, else the kernel's choice)")
	flags.Uint16Var(&f.sourcePort, "source-port", 0, "own `PORT` of the relays, 547 where the server doesn't know RFC 8357 (any)")
	flags.IntVar(&f.relays, "relays", 4, "`N` relays")
	flags.IntVar(&f.clients, "clients", 10000, "`N` clients")
	flags.IntVar(&f.first, "first-client", 0, "number `N` of the first client, for several generators at once")
	flags.IntVar(&f.workers, "workers", 0, "play them by `N` pairs of threads (one pair for each core)")
	flags.StringVarP(&f.mix, "mix", "m", "acquire", "exchanges and their weights, a `LIST` of acquire, rapid, renew, rebind, release, decline, ask")
	flags.BoolVar(&f.addresses, "addresses", true, "clients want an address")
	flags.BoolVar(&f.prefixes, "prefixes", false, "clients want a delegated prefix")
	flags.BoolVar(&f.interfaceID, "interface-id", false, "relays add an Interface-ID")
	flags.BoolVar(&f.remoteID, "remote-id", false, "relays add a Remote-ID")
	flags.Float64VarP(&f.rate, "rate", "r", 1000, "`N` exchanges begin per second; with --ramp the first rate")
	flags.DurationVarP(&f.duration, "duration", "d", 10*time.Second, "how long exchanges begin")
	flags.DurationVar(&f.patience, "patience", load.DefaultPatience, "an exchange is lost after this time")
	flags.BoolVar(&f.resend, "retransmit", false, "clients send again, by RFC 9915, until then")
	flags.BoolVar(&f.ramp, "ramp", false, "find the highest rate that the server holds")
	flags.Float64Var(&f.loss, "loss", 1, "of a ramp: a rate is held with less than `N` % not done")
	flags.DurationVar(&f.step, "step", 5*time.Second, "of a ramp: how long each rate is tried")
	flags.DurationVar(&f.pause, "pause", time.Second, "of a ramp: rest between two steps")
	flags.DurationVar(&f.limit, "limit", 5*time.Minute, "of a ramp: how long it may take")
	flags.IntSliceVar(&f.pids, "pid", nil, "the server's process `PID` on this machine, to measure its cost; may be repeated")
	flags.StringVar(&f.json, "json", "", "write the results to `FILE`")
	flags.StringVar(&f.svg, "svg", "", "write plots to `PREFIX`-latency.svg and, of a ramp, PREFIX-ramp.svg")
	flags.BoolVar(&f.gro, "gro", false, "let the kernel merge datagrams on receive (UDP_GRO)")
}

func bench(c *cobra.Command, f *benchFlags) error {
	o, err := f.options()
	if err != nil {
		return usageError{err}
	}
	if err := f.checkFiles(); err != nil {
		return err
	}
	for _, pid := range f.pids {
		p, err := meter.Open(pid, ports(o.Clients.Servers)...)
		if err != nil {
			return err
		}
		o.Server = append(o.Server, p)
	}
	// Each worker has two threads that wait in the kernel. One that comes back must find a processor of Go's free, else it
	// waits for up to ten milliseconds, and the latency that is measured is its own.
	if workers := o.Clients.Workers; runtime.GOMAXPROCS(0) < 2*workers+2 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2*workers + 2))
	}
	o.Version, o.Out, o.Live = version(), c.OutOrStdout(), isTerminal(c.OutOrStdout())
	result, err := measure.Run(c.Context(), *o)
	if result == nil {
		return err
	}
	return errors.Join(err, result.WriteText(c.OutOrStdout()), f.write(result))
}

// options are what the flags say.
func (f *benchFlags) options() (*measure.Options, error) {
	o := &measure.Options{
		Clients: load.Config{
			Clients: f.clients, First: f.first, Relays: f.relays, Workers: f.workers, SourcePort: f.sourcePort, Window: leasesWindow,
			Prefixes: f.prefixes, NoAddresses: !f.addresses, InterfaceID: f.interfaceID, RemoteID: f.remoteID, GRO: f.gro,
		},
		Offer: load.Offer{Rate: f.rate, For: f.duration, Patience: f.patience, Resend: f.resend},
	}
	if f.workers == 0 {
		o.Clients.Workers = max(min(runtime.GOMAXPROCS(0), f.relays), 1)
	}
	if len(f.servers) == 0 {
		return nil, errors.New("--server is missing: give the server's address and port, such as [::1]:10547")
	}
	for _, text := range f.servers {
		server, err := parseServer(text)
		if err != nil {
			return nil, err
		}
		o.Clients.Servers = append(o.Clients.Servers, server)
	}
	var err error
	if f.link == "" {
		return nil, errors.New("--link-address is missing: give an address on a link that the server has leases for")
	}
	if o.Clients.LinkAddress, err = netip.ParseAddr(f.link); err != nil {
		return nil, fmt.Errorf("--link-address %s: not an IPv6 address", f.link)
	}
	for _, text := range f.sources {
		source, err := netip.ParseAddr(text)
		if err != nil || !source.Is6() {
			return nil, fmt.Errorf("--source %s: not an IPv6 address", text)
		}
		o.Clients.Sources = append(o.Clients.Sources, source)
	}
	if o.Offer.Mix, err = load.ParseMix(f.mix); err != nil {
		return nil, fmt.Errorf("--mix %s: %w", f.mix, err)
	}
	if f.ramp {
		o.Offer.For = f.step
		o.Ramp = &measure.RampOptions{MaxLoss: f.loss / 100, Pause: f.pause, Limit: f.limit}
	}
	return o, o.Check()
}

// parseServer reads an address with or without a port.
func parseServer(text string) (netip.AddrPort, error) {
	if server, err := netip.ParseAddrPort(text); err == nil && server.Addr().Is6() {
		return server, nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is6() {
		return netip.AddrPort{}, fmt.Errorf("--server %s: not an IPv6 address such as 2001:db8::53, or with a port such as [::1]:10547", text)
	}
	return netip.AddrPortFrom(addr, udp.ServerPort), nil
}

func ports(servers []netip.AddrPort) (all []uint16) {
	for _, s := range servers {
		if !slices.Contains(all, s.Port()) {
			all = append(all, s.Port())
		}
	}
	return all
}

// checkFiles finds out before anything is measured whether there is a folder for what shall be written.
func (f *benchFlags) checkFiles() error {
	for flag, name := range map[string]string{"--json": f.json, "--svg": f.svg} {
		if name == "" {
			continue
		}
		if info, err := os.Stat(filepath.Dir(name)); err != nil || !info.IsDir() {
			return fmt.Errorf("%s %s: there is no folder %s; make it first", flag, name, filepath.Dir(name))
		}
	}
	return nil
}

// write writes the files that were asked for. A ramp that held no rate has no latencies worth a plot.
func (f *benchFlags) write(r *measure.Result) error {
	var errs []error
	if f.json != "" {
		errs = append(errs, writeFile(f.json, r.WriteJSON))
	}
	if best := r.Best(); f.svg != "" && best != nil && best.Done > 0 {
		errs = append(errs, writeFile(f.svg+"-latency.svg", func(w io.Writer) error { return plot.Latency(w, r) }))
	}
	if f.svg != "" && r.Ramp != nil && len(r.Steps) > 1 {
		errs = append(errs, writeFile(f.svg+"-ramp.svg", func(w io.Writer) error { return plot.Ramp(w, r) }))
	}
	return errors.Join(errs...)
}

func writeFile(name string, write func(io.Writer) error) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}
