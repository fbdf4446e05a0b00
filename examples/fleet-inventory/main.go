// Command fleet-inventory keeps the current leases of a fleet of lockstep6 clusters, by the events that their nodes tell a message broker, and shows them:
//
//	fleet-inventory -nats tls://nats.example.net:4222 -credentials inventory.creds -state /var/lib/fleet/inventory.json
//	curl http://127.0.0.1:8083/leases?cluster=ber1
//
// It is an example of how to follow them; docs/fleet.md has the rules that it keeps.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/lockstep6/lockstep6/examples/fleet-inventory/inventory"
)

const (
	saveEvery = 30 * time.Second // what came since is read again after a crash, which does no harm
	keepGone  = 24 * time.Hour   // how late an event may be told again
)

// A settings is what the command line says.
type settings struct {
	nats, stream, credentials string
	kafka, topic              string
	state, listen             string
}

func main() {
	var s settings
	flag.StringVar(&s.nats, "nats", "", "URLs of NATS servers, with commas between")
	flag.StringVar(&s.stream, "stream", "LOCKSTEP6", "the stream of JetStream that takes the events")
	flag.StringVar(&s.credentials, "credentials", "", "a file of credentials for NATS")
	flag.StringVar(&s.kafka, "kafka", "", "Kafka brokers, HOST:PORT, with commas between; instead of -nats")
	flag.StringVar(&s.topic, "topic", "lockstep6.bindings", "the topic of Kafka that takes the events")
	flag.StringVar(&s.state, "state", "", "a file in which the inventory outlives a restart; without it all that the broker has is read again, and leases older than that are missing until their nodes tell a list")
	flag.StringVar(&s.listen, "listen", "127.0.0.1:8083", "where the leases are shown")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, &s, nil); err != nil {
		fmt.Fprintln(os.Stderr, "fleet-inventory:", err)
		os.Exit(1)
	}
}

// run follows the events until the context ends. It tells ready where the leases are shown; nil: nobody wants to know.
func run(ctx context.Context, s *settings, ready func(net.Addr)) error {
	if (s.nats == "") == (s.kafka == "") {
		return errors.New("give one of -nats and -kafka")
	}
	i := inventory.New()
	if s.state != "" {
		var err error
		if i, err = inventory.Load(s.state); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: pages(i), ReadHeaderTimeout: 10 * time.Second}
	defer web.Close()
	go func() { _ = web.Serve(listener) }() // ends by Close
	if ready != nil {
		ready(listener.Addr())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	saving := make(chan error, 1)
	go func() { saving <- keep(ctx, i, s.state) }()
	if s.nats != "" {
		err = followNATS(ctx, s, i)
	} else {
		err = followKafka(ctx, s, i)
	}
	cancel()
	return errors.Join(err, <-saving)
}

// keep forgets what has gone long ago, and saves the inventory now and then, and at the end.
func keep(ctx context.Context, i *inventory.Inventory, file string) error {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		i.Forget(keepGone)
		if file != "" {
			if err := i.Save(file); err != nil && ctx.Err() == nil {
				slog.Error("the inventory can't be saved", "error", err)
			} else if ctx.Err() != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// take takes an event; what is none is told of and passed by.
func take(i *inventory.Inventory, body []byte, partition string, position uint64) {
	e, err := inventory.Parse(body)
	if err != nil {
		slog.Warn("passed by", "partition", partition, "position", position, "error", err)
		return
	}
	i.Take(e, partition, position)
}

// pages show the inventory as JSON.
func pages(i *inventory.Inventory) http.Handler {
	mux := http.NewServeMux()
	show := func(w http.ResponseWriter, what any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(what) // fails where the one who asked has gone
	}
	mux.HandleFunc("GET /leases", func(w http.ResponseWriter, r *http.Request) { show(w, i.Leases(r.URL.Query().Get("cluster"))) })
	mux.HandleFunc("GET /nodes", func(w http.ResponseWriter, _ *http.Request) { show(w, i.Nodes()) })
	return mux
}

// names divides a list with commas.
func names(list string) []string { return strings.Split(list, ",") }
