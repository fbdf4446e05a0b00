package upkeep_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
)

// Zones of the tests: one forward, one reverse that takes in all addresses, one reverse below it.
var testZones = []string{"example.net", "8.b.d.0.1.0.0.2.ip6.arpa", "2.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"}

var ann, bob = []byte{0, 3, 0, 1, 'a'}, []byte{0, 3, 0, 1, 'b'}

// address is 2001:db8:net::host.
func address(net, host byte) binding.Key {
	return binding.Key{Address: [16]byte{0x20, 1, 0x0d, 0xb8, 0, net, 15: host}, Length: 128}
}

func both(key binding.Key) upkeep.Record {
	return upkeep.Record{Key: key, Forward: true, Reverse: true}
}

func TestRun(t *testing.T) {
	for _, c := range runCases {
		t.Run(c.name, func(t *testing.T) {
			d, s := newServer(t, testZones...), settingsOf(t, c.takeOver)
			fill(t, d, c.before)
			for again := range 2 { // what is done already is done once more to no effect
				result, err := upkeep.Run(context.Background(), &c.job, s, d)
				if err != nil {
					t.Fatal(err)
				}
				updates := result.Updates
				result.Updates = 0
				if again == 0 && (result != c.result || updates != c.updates) {
					t.Errorf("%+v after %d updates, want %+v after %d\n%s", result, updates, c.result, c.updates, strings.Join(d.log, "\n"))
				}
				want := newServer(t, testZones...)
				fill(t, want, c.want)
				if got, want := d.all(), want.all(); !slices.Equal(got, want) {
					t.Errorf("run %d: DNS holds\n%s\nwant\n%s", again, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			}
		})
	}
}

func settingsOf(t testing.TB, takeOver bool) *upkeep.Settings {
	t.Helper()
	return &upkeep.Settings{Updates: true, Zones: newServer(t, testZones...).zones, TakeOver: takeOver, Prefixes: true}
}

// fill puts records into the zones. A DHCID is made of the DUID that stands in its place.
func fill(t testing.TB, d *dnsServer, records []held) {
	t.Helper()
	for _, r := range records {
		name := parse(t, r.name)
		data := []byte(r.data)
		if r.kind == upkeep.TypeDHCID {
			made := naming.DHCID(data, name)
			data = made[:]
		}
		d.put(name, r.kind, data)
	}
}

// An answer that is lost at any place, of an update that was made or wasn't, ends the job with an error; and run again it does
// what it would have done.
func TestRunAgainAfterLoss(t *testing.T) {
	for _, c := range runCases {
		for made := range 2 {
			for lost := range c.updates {
				d, s := newServer(t, testZones...), settingsOf(t, c.takeOver)
				fill(t, d, c.before)
				lose := func(n int) error {
					if n == lost {
						return errLost
					}
					return nil
				}
				if made == 1 {
					d.after = lose
				} else {
					d.before = func(n int, _ *upkeep.Update) (upkeep.Answer, error) { return 0, lose(n) }
				}
				if _, err := upkeep.Run(context.Background(), &c.job, s, d); !errors.Is(err, errLost) {
					t.Fatalf("%s: update %d is lost: %v", c.name, lost, err)
				}
				if _, err := upkeep.Run(context.Background(), &c.job, s, d); err != nil {
					t.Fatal(err)
				}
				want := newServer(t, testZones...)
				fill(t, want, c.want)
				if got, want := d.all(), want.all(); !slices.Equal(got, want) {
					t.Errorf("%s, update %d lost (made: %d): DNS holds\n%s\nwant\n%s", c.name, lost, made, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			}
		}
	}
}

// A refusal at any step ends the attempt, and nothing follows it; but for that to delete a whole name.
func TestRunRefused(t *testing.T) {
	for _, c := range runCases {
		for at := range c.updates {
			for _, answer := range []upkeep.Answer{upkeep.FormErr, upkeep.ServFail, upkeep.NotImp, upkeep.Refused, upkeep.NotAuth, upkeep.NotZone} {
				d, s := newServer(t, testZones...), settingsOf(t, c.takeOver)
				fill(t, d, c.before)
				whole := false
				d.before = func(n int, u *upkeep.Update) (upkeep.Answer, error) {
					if n == at {
						whole = len(u.Changes) > 0 && u.Changes[0].Kind == upkeep.DeleteName
						return answer, nil
					}
					return upkeep.NoError, nil
				}
				_, err := upkeep.Run(context.Background(), &c.job, s, d)
				if whole && answer == upkeep.Refused {
					continue // TestRunNarrowRules
				}
				refused, ok := errors.AsType[*upkeep.RefusedError](err)
				if !ok || refused.Answer != answer || refused.Name == nil || len(d.log) != at+1 || !strings.Contains(err.Error(), answer.String()) {
					t.Errorf("%s: update %d answered %v: %v after %d updates", c.name, at, answer, err, len(d.log))
				}
			}
		}
	}
}

// Where the DNS server's rules don't let whole names be deleted, what this server keeps goes, the PTR record too, and the rest stays.
func TestRunNarrowRules(t *testing.T) {
	for _, c := range runCases {
		d, s := newServer(t, testZones...), settingsOf(t, c.takeOver)
		fill(t, d, c.before)
		d.before = func(_ int, u *upkeep.Update) (upkeep.Answer, error) {
			if len(u.Changes) > 0 && u.Changes[0].Kind == upkeep.DeleteName {
				return upkeep.Refused, nil
			}
			return upkeep.NoError, nil
		}
		if _, err := upkeep.Run(context.Background(), &c.job, s, d); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		want := newServer(t, testZones...)
		fill(t, want, c.want)
		kept := func(lines []string) []string {
			return slices.DeleteFunc(lines, func(l string) bool {
				return !strings.Contains(l, "AAAA") && !strings.Contains(l, "PTR") && !strings.Contains(l, "DHCID")
			})
		}
		if got, want := kept(d.all()), kept(want.all()); !slices.Equal(got, want) {
			t.Errorf("%s: DNS holds\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// A name that comes and goes between the steps sends them back to the beginning, but not for ever.
func TestRunRestless(t *testing.T) {
	job := addJob(one)
	for _, calm := range []int{1, 3, 100} {
		d, s := newServer(t, testZones...), settingsOf(t, false)
		d.before = func(n int, u *upkeep.Update) (upkeep.Answer, error) {
			clear(d.records[0])
			if n/2 < calm && n%2 == 0 { // there when it must not be, gone when it must be there
				d.put(u.Requires[0].Name, upkeep.TypeA, []byte{192, 0, 2, 1})
			}
			return upkeep.NoError, nil
		}
		_, err := upkeep.Run(context.Background(), &job, s, d)
		if restless := errors.Is(err, upkeep.ErrRestless); restless != (calm == 100) || len(d.log) > 10 {
			t.Errorf("calm after %d rounds: %v after %d updates", calm, err, len(d.log))
		}
	}
}

// Two nodes' jobs of one name, their updates in every order: the client has one address in the end, or both where both are to stand,
// and never loses the one that stands.
func TestRunInterleaved(t *testing.T) {
	add, remove := addJob(one), removing(addJob(), two)
	for order := range 1 << 8 {
		d, s := newServer(t, testZones...), settingsOf(t, false)
		fill(t, d, hold(aaaa(host, two), dhcid(host, ann), ptr(two, host)))
		interleave(t, d, s, order, &add, &remove)
		want := newServer(t, testZones...)
		fill(t, want, hold(aaaa(host, one), dhcid(host, ann), ptr(one, host)))
		if got, want := d.all(), want.all(); !slices.Equal(got, want) {
			t.Fatalf("order %b: DNS holds\n%s\nwant\n%s\nafter\n%s", order, strings.Join(got, "\n"), strings.Join(want, "\n"), strings.Join(d.log, "\n"))
		}
	}
}

// interleave runs two jobs side by side. Bit n of the order says whose n-th update comes next, as long as both have some.
func interleave(t *testing.T, d *dnsServer, s *upkeep.Settings, order int, jobs ...*upkeep.Job) {
	t.Helper()
	var turns [2]turn
	for i := range turns {
		turns[i] = turn{server: d, start: make(chan bool), ended: make(chan bool)}
		go func() {
			defer close(turns[i].ended)
			<-turns[i].start
			if _, err := upkeep.Run(context.Background(), jobs[i], s, &turns[i]); err != nil {
				t.Error(err)
			}
		}()
	}
	for running := [2]bool{true, true}; running[0] || running[1]; order >>= 1 {
		next := order & 1
		if !running[next] {
			next = 1 - next
		}
		turns[next].start <- true
		running[next] = <-turns[next].ended
	}
}

// A turn lets one of several runners go on until its next update.
type turn struct {
	server       *dnsServer
	start, ended chan bool
}

// Exchange makes the update, and waits for the next turn.
func (x *turn) Exchange(ctx context.Context, u *upkeep.Update) (upkeep.Answer, error) {
	answer, err := x.server.Exchange(ctx, u)
	x.ended <- true
	<-x.start
	return answer, err
}
