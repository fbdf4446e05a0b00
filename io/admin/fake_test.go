package admin

import (
	"context"
	"log/slog"
	"reflect"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
)

// What a fake does beside leases.
type fakeControl struct {
	level slog.Level
	drain DrainMode
	fault error // of SetDrain
}

func (f *fake) Links() []Link {
	l := Link{}
	fill(reflect.ValueOf(&l).Elem())
	l.Name, l.Pools, l.RapidCommit = "lan", []string{"2001:db8:1::/64"}, "off"
	single := l
	single.Gate = nil
	return []Link{l, single}
}

// testPlaces has one link with one pool.
func testPlaces(s *binding.Stored) (link, pool string) {
	if s.Key.Length == 128 {
		return "lan", "2001:db8:1::/64"
	}
	return "", ""
}

func (f *fake) Configuration() (c Configuration) {
	fill(reflect.ValueOf(&c).Elem())
	c.Content = map[string]any{"listen": map[string]any{"interfaces": []string{"eth0"}}}
	return c
}

func (f *fake) Rates(uint64) (r Rates) {
	fill(reflect.ValueOf(&r).Elem())
	empty := r.Recent[0]
	empty.P50, empty.P99, empty.SyncP50, empty.SyncP99 = nil, nil, nil, nil
	r.Recent = append(r.Recent, empty)
	return r
}

func (f *fake) LogLevel() LogLevel { return LogLevel{LevelText(f.control.level), "info"} }

func (f *fake) SetLogLevel(level slog.Level) { f.control.level = level }

func (f *fake) Drain() DrainMode {
	if f.control.drain == "" {
		return DrainNone
	}
	return f.control.drain
}

func (f *fake) SetDrain(mode DrainMode) error {
	if f.control.fault == nil {
		f.control.drain = mode
	}
	return f.control.fault
}

// full is a fake whose answers have something in every field.
type full struct{ fake }

func (f *full) State() (s State) {
	fill(reflect.ValueOf(&s).Elem())
	return s
}

func (f *full) Peers() (p Peers) {
	fill(reflect.ValueOf(&p).Elem())
	return p
}

func (f *full) Pools() []Pool {
	p := Pool{}
	fill(reflect.ValueOf(&p).Elem())
	p.Kind, p.Slots = "IA_PD", "65536"
	return []Pool{p}
}

func (f *full) Hooks() []Hook {
	h := Hook{}
	fill(reflect.ValueOf(&h).Elem())
	bare := h
	bare.Whole = nil
	return []Hook{h, bare}
}

func (f *full) Outbox() Outbox {
	o := Outbox{}
	fill(reflect.ValueOf(&o).Elem())
	return o
}

func (f *full) Refusals() Refusals {
	r := Refusals{Refusals: testRefusals()}
	filled := Refusal{}
	fill(reflect.ValueOf(&filled).Elem())
	r.Refusals = append(r.Refusals, filled)
	return r
}

func (f *full) Events(after uint64) ([]Event, <-chan struct{}) {
	e := Event{Attributes: map[string]any{"number": 1.5, "text": "x", "truth": true}}
	fill(reflect.ValueOf(&e.At).Elem())
	e.Sequence, e.Level, e.ID, e.Message = after+1, "WARN", "store-broken", "text"
	bare := e
	bare.Attributes = nil
	return []Event{e, bare}, nil
}

func (f *full) DNS() (s DNSState, ok bool) {
	if f.noDNS {
		return s, false
	}
	fill(reflect.ValueOf(&s).Elem())
	s.Audit.Zones[0].Read = DNSReadTransfer
	return s, true
}

func (f *full) AuditDNS(ctx context.Context, r DNSAuditRequest) (a DNSAudit, err error) {
	if _, err := f.fake.AuditDNS(ctx, r); err != nil {
		return a, err
	}
	fill(reflect.ValueOf(&a).Elem())
	a.Zones[0].Read = DNSReadPerName
	return a, nil
}

// filledPlan has something in every field.
func filledPlan() (p Plan) {
	fill(reflect.ValueOf(&p).Elem())
	p.Pools[0].Kind = "IA_NA"
	return p
}

func (f *full) Reload(ctx context.Context, r ReloadRequest) (Plan, error) {
	if _, err := f.fake.Reload(ctx, r); err != nil {
		return Plan{}, err
	}
	p := filledPlan()
	p.Applied = !r.DryRun
	return p, nil
}

func (f *full) Reservations(link string) ([]Reservation, error) {
	all, err := f.fake.Reservations(link)
	for i := range all {
		enterprise, client := uint32(9), all[i].Client
		fill(reflect.ValueOf(&all[i]).Elem())
		all[i].Client = client
		all[i].Enterprise = &enterprise
	}
	return all, err
}

func (f *full) PutReservation(ctx context.Context, link string, who config.Client, what []byte, force bool) (ReservationChange, error) {
	c, err := f.fake.PutReservation(ctx, link, who, what, force)
	c.Plan = filledPlan()
	return c, err
}

func (f *full) ProviderPrefixes() []ProviderPrefix {
	all := f.fake.ProviderPrefixes()
	fill(reflect.ValueOf(&all[0]).Elem())
	return all
}

func (f *full) PutProviderPrefix(ctx context.Context, name, prefix string) (Plan, error) {
	_, err := f.fake.PutProviderPrefix(ctx, name, prefix)
	return filledPlan(), err
}

func (f *full) DeleteReservation(ctx context.Context, link string, who config.Client, force bool) (ReservationChange, error) {
	c, err := f.fake.DeleteReservation(ctx, link, who, force)
	c.Plan = filledPlan()
	return c, err
}

// fill puts something into every field.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1_800_000_000, 0).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		element := reflect.New(v.Type().Elem()).Elem()
		fill(element)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("Solicit"), element)
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(1)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	}
}
