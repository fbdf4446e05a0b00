package ddns

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
	"github.com/lockstep6/lockstep6/io/ddns/dnstest"
)

func TestLongUpdatesGoByTCP(t *testing.T) {
	key, theirs := testKey(t, "hmac-sha512")
	var got dns.Msg
	server := &dnstest.Server{Key: theirs}
	server.Handle = func(r *dns.Msg) *dns.Msg {
		got = *r
		return new(dns.Msg).SetReply(r)
	}
	host := name(t, strings.Repeat(strings.Repeat("a", 63)+".", 3)+strings.Repeat("b", 49)+".example.com")
	if len(host) != naming.MaxName {
		t.Fatalf("the name has %d octets", len(host))
	}
	answer, err := clientOf(t, key, long, server.Start(t)).Exchange(t.Context(), addition(t, host))
	if err != nil || answer != upkeep.NoError {
		t.Fatalf("got %d, %v", answer, err)
	}
	if server.Requests("udp") != 0 || server.Requests("tcp") != 1 {
		t.Errorf("%d by UDP, %d by TCP", server.Requests("udp"), server.Requests("tcp"))
	}
	server.Set(func() {
		if len(got.Ns) != 2 || got.Ns[0].Header().Name != host.String() {
			t.Errorf("the server got %v", got.Ns)
		}
	})
}

func TestTCPOnlyIsRemembered(t *testing.T) {
	unhurried(t, func(timeout time.Duration) error {
		server := &dnstest.Server{Fault: func(_ *dns.Msg, network string) dnstest.Fault {
			if network == "udp" {
				return dnstest.Ignore
			}
			return dnstest.None
		}}
		c := clientOf(t, nil, timeout, server.Start(t))
		for range 3 {
			if _, err := c.Exchange(t.Context(), addition(t, name(t, "host.example.com"))); err != nil {
				return err
			}
		}
		if server.Requests("udp") != udpTries || server.Requests("tcp") != 3 {
			return fmt.Errorf("%d by UDP, %d by TCP", server.Requests("udp"), server.Requests("tcp"))
		}
		return nil
	})
}

func TestServersInTurn(t *testing.T) {
	first, second := &dnstest.Server{}, &dnstest.Server{}
	c := clientOf(t, nil, long, first.Start(t), second.Start(t))
	exchange := func() {
		t.Helper()
		if answer, err := c.Exchange(t.Context(), addition(t, name(t, "host.example.com"))); err != nil || answer != upkeep.NoError {
			t.Fatalf("got %d, %v", answer, err)
		}
	}
	exchange()
	if second.Requests("udp") != 0 {
		t.Fatal("the second server was asked while the first answers")
	}
	first.Stop()
	exchange()
	if second.Requests("udp") != 1 {
		t.Fatal("the second server wasn't asked")
	}
	servers := c.zones[0].servers
	rests := servers[0].until // which may have come by now
	if rests.IsZero() {
		t.Fatal("the first server doesn't rest")
	}
	if got := turn(servers, rests.Add(-time.Millisecond)); len(got) != 1 || got[0] != servers[1] {
		t.Errorf("while the first rests, asked are %v", got)
	}
	if got := turn(servers, rests); len(got) != 2 || got[0] != servers[0] {
		t.Errorf("after that, asked are %v", got)
	}
	servers[1].failed(time.Now(), time.Now())
	if got := turn(servers, rests.Add(-time.Millisecond)); !slices.Equal(got, servers) {
		t.Errorf("while both rest, asked are %v", got)
	}
	first.Restart(t)
	servers[0].until = time.Time{}
	before := first.Requests("udp")
	exchange()
	if first.Requests("udp") != before+1 || servers[0].wait != 0 {
		t.Error("the first server isn't the first again")
	}
}

func TestWaitsOfServers(t *testing.T) {
	var s server
	now := time.Unix(1000, 0)
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		asked := now
		now = now.Add(2 * time.Second)
		s.failed(asked, now)
		s.failed(asked, now.Add(time.Millisecond)) // asked at the same time as the one before
		if s.wait != want*time.Second || s.rests(now) != now.Add(want*time.Second) {
			t.Fatalf("want %d s, got %v", want, s.wait)
		}
		now = now.Add(s.wait)
	}
}

func TestUnwillingServersPassOn(t *testing.T) {
	for _, fault := range []dnstest.Fault{dnstest.Refuse, dnstest.Fail} {
		first := &dnstest.Server{Fault: func(*dns.Msg, string) dnstest.Fault { return fault }}
		second := &dnstest.Server{}
		c := clientOf(t, nil, long, first.Start(t), second.Start(t))
		if answer, err := c.Exchange(t.Context(), addition(t, name(t, "host.example.com"))); err != nil || answer != upkeep.NoError {
			t.Errorf("%d: got %d, %v", fault, answer, err)
		}
		second.Stop()
		answer, err := c.Exchange(t.Context(), addition(t, name(t, "host.example.com")))
		if err != nil || !passes(int(answer)) {
			t.Errorf("%d: where the other is down, got %d, %v", fault, answer, err)
		}
	}
}

func TestContextEndsAll(t *testing.T) {
	arrived := make(chan struct{}, 10)
	server := &dnstest.Server{Fault: func(*dns.Msg, string) dnstest.Fault {
		arrived <- struct{}{}
		return dnstest.Ignore
	}}
	c := clientOf(t, nil, time.Hour, server.Start(t))
	for what, ask := range map[string]func(context.Context) error{
		"update": func(ctx context.Context) error {
			_, err := c.Exchange(ctx, addition(t, name(t, "host.example.com")))
			return err
		},
		"transfer": func(ctx context.Context) error {
			return c.Transfer(ctx, 0, func(*Record) error { return nil })
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- ask(ctx) }()
		<-arrived
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}
