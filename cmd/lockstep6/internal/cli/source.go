package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/store"
)

// leases opens the leases of the place: of the node that runs there, else of the stopped store, for which a configuration
// names nodes, links and pools.
func (p *place) leases() (leaseSource, error) {
	if p.url != "" {
		return p.remote()
	}
	data, c, err := p.find()
	if err != nil {
		return nil, err
	}
	if client, err := dialNode(data); err == nil {
		return client, nil
	} else if errors.Is(err, os.ErrPermission) {
		return nil, err
	}
	reader, err := store.OpenReadOnly(store.Options{Path: data})
	if err != nil {
		return nil, err
	}
	owners, err := daemon.StoredOwners(reader, c)
	if err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	return &stopped{data: data, reader: reader, owners: owners, config: c, file: p.config}, nil
}

// node reaches the node that runs at the place. Hint says what to do where none does.
func (p *place) node(hint string) (*admin.Client, error) {
	if p.url != "" {
		return p.remote()
	}
	data, _, err := p.find()
	if err != nil {
		return nil, err
	}
	client, err := dialNode(data)
	if err != nil && !errors.Is(err, os.ErrPermission) {
		err = fmt.Errorf("no node runs in %s: %w\nhint: %s", data, err, hint)
	}
	return client, err
}

// remote makes a client for --url.
func (p *place) remote() (*admin.Client, error) {
	r := admin.Remote{URL: p.url}
	if p.tokenFile != "" {
		token, err := daemon.Token(config.Secret("file:"+p.tokenFile), "")
		if err != nil {
			return nil, fmt.Errorf("--token-file: %w", err)
		}
		r.Token = string(token)
	}
	if p.caFile != "" {
		pem, err := os.ReadFile(p.caFile)
		if err != nil {
			return nil, fmt.Errorf("--ca-file: %w", err)
		}
		if r.Roots = x509.NewCertPool(); !r.Roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca-file: %s has no certificate in PEM", p.caFile)
		}
	}
	client, err := admin.Connect(r)
	if err != nil {
		return nil, usageError{fmt.Errorf("--url: %w", err)}
	}
	return client, nil
}

// dialNode reaches the node that runs with a data folder. It fails where none does.
func dialNode(data string) (*admin.Client, error) {
	client, err := admin.Dial(filepath.Join(data, "admin.sock"))
	if errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("%w; a node runs there, ask as the user that runs it", err)
	}
	return client, err
}

// stopped is the leases of a store that no node has open.
type stopped struct {
	data   string
	reader *store.Reader // nil while a change has the store
	owners daemon.Owners
	config *config.Config // nil: there is none
	file   string         // its name
}

// errStop ends a scan whose reader wants no more.
var errStop = errors.New("stop")

// List yields leases in the order of their addresses.
func (s *stopped) List(ctx context.Context, f admin.Filter) iter.Seq2[admin.Lease, error] {
	return func(yield func(admin.Lease, error) bool) {
		places, err := s.places(&f)
		if err != nil {
			yield(admin.Lease{}, err)
			return
		}
		var from, to []byte
		if f.Lease.IsValid() {
			from = binding.AppendKey(nil, &binding.Key{Address: f.Lease.Addr().As16(), Length: uint8(f.Lease.Bits())})
			to = append(slices.Clone(from), 0)
		}
		now := worker.Time(time.Now().UnixNano())
		err = s.reader.Scan(from, to, func(key, value []byte) error {
			stored, err := binding.DecodeValue(key, value)
			if err != nil {
				return err
			}
			if f.Match(&stored, now, places) && !yield(admin.NewLease(&stored, s.owners[stored.Owner], now), nil) {
				return errStop
			}
			return ctx.Err()
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(admin.Lease{}, err)
		}
	}
}

// places tells of which link and pool a lease is, for a filter that asks for it. Any node's policy knows all pools.
func (s *stopped) places(f *admin.Filter) (admin.Places, error) {
	if f.Link == "" && f.Pool == "" {
		return nil, nil
	}
	if s.config == nil {
		return nil, errors.New("a stopped node's store doesn't know links and pools by name\nhint: give --config")
	}
	policies, err := compileAll(s.config, s.file)
	if err != nil {
		return nil, err
	}
	p := policies[0]
	if f.Link != "" && !slices.ContainsFunc(p.Links, func(l policy.Link) bool { return l.Name == f.Link }) {
		return nil, fmt.Errorf("there is no link %q", f.Link)
	}
	if f.Pool != "" && !slices.ContainsFunc(p.Pools, func(l *policy.Pool) bool { return l.Name == f.Pool }) {
		return nil, fmt.Errorf("there is no pool %q", f.Pool)
	}
	return daemon.Places(p), nil
}

// History answers from the stopped store.
func (s *stopped) History(ctx context.Context, q admin.HistoryQuery) (admin.HistoryState, iter.Seq2[admin.Period, error], error) {
	return daemon.StoredHistory(ctx, s.reader, q, &s.owners)
}

// Release writes the lease as released into the stopped store.
func (s *stopped) Release(ctx context.Context, lease netip.Prefix, whose admin.Whose) (admin.Lease, error) {
	if err := s.reader.Close(); err != nil {
		return admin.Lease{}, err
	}
	s.reader = nil
	w, err := openStore(s.data)
	if err != nil {
		return admin.Lease{}, err
	}
	l, err := s.release(ctx, w, binding.Key{Address: lease.Addr().As16(), Length: uint8(lease.Bits())}, whose)
	return l, errors.Join(err, w.Close())
}

func (s *stopped) release(ctx context.Context, w *store.Store, key binding.Key, whose admin.Whose) (l admin.Lease, err error) {
	table, err := binding.New(binding.Options{Capacity: 1})
	if err != nil {
		return l, err
	}
	h := table.NewHandle()
	defer h.Close()
	from := binding.AppendKey(nil, &key)
	if err := w.Scan(from, append(from, 0), h.Load); err != nil {
		return l, err
	}
	h.Enter()
	defer h.Leave()
	now := worker.Time(time.Now().UnixNano())
	r := h.Find(&key)
	if r == nil || !r.Taken(now) {
		return l, admin.ErrNoLease
	}
	if !whose.Check(engine.Observed(r)) {
		return l, &admin.OwnerError{Lease: admin.LeaseText(key), Owner: s.owners[r.Owner()]}
	}
	draft := engine.DraftOf(r)
	draft.State, draft.Expires, draft.Since = binding.Released, now, now
	next, outcome := h.Publish(r, &draft)
	if outcome != binding.Published {
		return l, fmt.Errorf("cannot release: %v", outcome)
	}
	change := engine.AppendChange(nil, true, r, next, &draft) // the store knows whether history is kept
	done := make(chan *worker.Write, 1)
	w.Append(&worker.Write{Changes: change, Count: 1, Done: done})
	select {
	case <-done:
	case <-ctx.Done():
		return l, ctx.Err()
	}
	k, value, _, err := binding.NextChange(change)
	if err != nil {
		return l, err
	}
	stored, err := binding.DecodeValue(k, value)
	return admin.NewLease(&stored, s.owners[stored.Owner], now), err
}

// Close lets others in.
func (s *stopped) Close() error {
	if s.reader == nil {
		return nil
	}
	return s.reader.Close()
}
