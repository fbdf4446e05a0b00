package admin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/config"
)

func (f *fake) Reload(_ context.Context, r ReloadRequest) (Plan, error) {
	p := Plan{File: "lockstep6.yaml", Digest: "d1", Changed: true, Applied: !r.DryRun}
	switch {
	case r.Digest == "wrong":
		return Plan{}, &ReloadError{Problem: "refused", Faults: []string{"a:1:1: bad", "a:2:1: worse"}}
	case r.Digest == "unsafe" && !r.Force:
		return Plan{}, &ReloadError{Problem: "not safe", Faults: []string{"a key"}, Unsafe: true}
	case r.Digest == "old":
		return Plan{}, ErrStale
	case r.Digest == "broken":
		return Plan{}, errors.New("the store can't write")
	}
	return p, nil
}

func (f *fake) Reservations(link string) ([]Reservation, error) {
	if link != "lan 1/2" {
		return nil, ErrNoLink
	}
	return []Reservation{{Link: link, Client: "duid", Value: "00:03:01"}, {Link: link, Client: "remote-id", Value: "x"}}, nil
}

func (f *fake) PutReservation(_ context.Context, link string, who config.Client, what []byte, force bool) (ReservationChange, error) {
	if _, err := f.Reservations(link); err != nil {
		return ReservationChange{}, err
	}
	if !force {
		return ReservationChange{}, &ReloadError{Problem: "not safe", Unsafe: true}
	}
	return ReservationChange{Note: who.String() + " " + string(what)}, nil
}

func (f *fake) DeleteReservation(_ context.Context, link string, who config.Client, _ bool) (ReservationChange, error) {
	if link == "none" {
		return ReservationChange{}, ErrNoReservation
	}
	return ReservationChange{Note: "gone: " + who.String()}, nil
}

func (f *fake) ProviderPrefixes() []ProviderPrefix {
	return []ProviderPrefix{{Name: "uplink", Source: "api", Prefix: "2001:db8:ab00::/56", Former: []FormerPrefix{{Prefix: "2001:db8:cd00::/56"}}, Links: []string{"lan"}}}
}

func (f *fake) PutProviderPrefix(_ context.Context, name, prefix string) (Plan, error) {
	switch {
	case name == "ppp":
		return Plan{}, ErrOtherSource
	case name != "uplink":
		return Plan{}, ErrNoProvider
	case prefix == "":
		return Plan{}, &ReloadError{Problem: "the prefix is refused", Faults: []string{"it is none"}}
	}
	return Plan{Digest: prefix, Applied: true}, nil
}

// TestProviderPrefixes: the client shows and sets what the node has.
func TestProviderPrefixes(t *testing.T) {
	tcp, socket := serve(t, &fake{})
	if status, _ := ask(t, http.MethodPut, tcp, "/v1/provider-prefixes/uplink"); status != http.StatusForbidden {
		t.Errorf("by TCP a prefix is set with %d", status)
	}
	c, err := Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if all, err := c.ProviderPrefixes(t.Context()); err != nil || !reflect.DeepEqual(all, (&fake{}).ProviderPrefixes()) {
		t.Errorf("got %+v, %v", all, err)
	}
	if p, err := c.PutProviderPrefix(t.Context(), "uplink", "2001:db8::/48"); err != nil || p.Digest != "2001:db8::/48" || !p.Applied {
		t.Errorf("got %+v, %v", p, err)
	}
	for name, want := range map[string]string{"none": "no provider prefix", "ppp": "another source", "uplink": "it is none"} {
		if _, err := c.PutProviderPrefix(t.Context(), name, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

// TestReload: what the node says of a reload comes to whoever asked as it was said.
func TestReload(t *testing.T) {
	tcp, socket := serve(t, &fake{})
	if status, _ := ask(t, http.MethodPost, tcp, "/v1/reload"); status != http.StatusForbidden {
		t.Errorf("by TCP a reload is answered with %d", status)
	}
	for query, want := range map[string]int{
		"": 200, "dry_run=true": 200, "digest=d1": 200, "digest=unsafe&force=true": 200,
		"digest=wrong": 422, "digest=unsafe": 409, "digest=old": 409, "digest=broken": 503, "dry=true": 400, "force=maybe": 400,
	} {
		if got, body := post(t, socket, http.MethodPost, "/v1/reload?"+query, ""); got != want {
			t.Errorf("%q: status %d, want %d: %s", query, got, want, body)
		}
	}
	c, err := Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p, err := c.Reload(t.Context(), ReloadRequest{DryRun: true})
	if want := (Plan{File: "lockstep6.yaml", Digest: "d1", Changed: true}); err != nil || !cmp.Equal(p, want) {
		t.Errorf("got %+v, %v", p, err)
	}
	var refused *ReloadError
	if _, err = c.Reload(t.Context(), ReloadRequest{Digest: "wrong"}); !errors.As(err, &refused) || refused.Unsafe || err.Error() != "refused\na:1:1: bad\na:2:1: worse" {
		t.Errorf("got %v", err)
	}
	if _, err = c.Reload(t.Context(), ReloadRequest{Digest: "unsafe"}); !errors.As(err, &refused) || !refused.Unsafe {
		t.Errorf("got %v", err)
	}
	if _, err = c.Reload(t.Context(), ReloadRequest{Digest: "old"}); !errors.Is(err, ErrStale) {
		t.Errorf("got %v", err)
	}
}

// post sends a request with a body to a socket.
func post(t *testing.T, socket, method, path, body string) (int, string) {
	t.Helper()
	c, err := Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// TestReservationsEndpoints: links and clients with odd names arrive whole, and what can't be read is refused.
func TestReservationsEndpoints(t *testing.T) {
	tcp, socket := serve(t, &fake{})
	link := "/v1/links/" + url.PathEscape("lan 1/2") + "/reservations"
	if status, body := ask(t, http.MethodGet, tcp, link); status != 200 || strings.Count(body, "\n") != 2 {
		t.Errorf("%d: %s", status, body)
	}
	if status, _ := ask(t, http.MethodGet, tcp, "/v1/links/wan/reservations"); status != 404 {
		t.Errorf("a link that isn't there: %d", status)
	}
	if status, _ := ask(t, http.MethodDelete, tcp, link+"/duid/000301"); status != http.StatusForbidden {
		t.Errorf("by TCP: %d", status)
	}
	for _, test := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"PUT", link + "/duid/00:03:01?force=true", `{"addresses":[]}`, 200, "duid 00:03:01"},
		{"PUT", link + "/duid/00:03:01", `{}`, 409, `"unsafe":true`},
		{"PUT", link + "/duid/00:03:01?force=true", `{`, 400, "isn't JSON"},
		{"PUT", link + "/duid/00:03:01?force=true", `"` + strings.Repeat("x", MaxReservation) + `"`, 413, "too large"},
		{"PUT", link + "/duid/zz", `{}`, 400, "isn't in hexadecimal"},
		{"PUT", link + "/name/x", `{}`, 400, "a client is named by"},
		{"PUT", link + "/duid/000301?yes=1", `{}`, 400, `there is no parameter \"yes\"`},
		{"DELETE", link + "/remote-id/a%2Fb?enterprise=9", "", 200, "gone: remote-id 9 a/b"},
		{"DELETE", "/v1/links/none/reservations/duid/000301", "", 404, "no such stored reservation"},
	} {
		if status, body := post(t, socket, test.method, test.path, test.body); status != test.status || !strings.Contains(body, test.want) {
			t.Errorf("%s %s: %d, want %d with %q: %s", test.method, test.path, status, test.status, test.want, body)
		}
	}
	c, err := Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	all, err := c.Reservations(t.Context(), "lan 1/2")
	if err != nil || len(all) != 2 || all[1].Value != "x" {
		t.Errorf("got %+v, %v", all, err)
	}
	who := config.Client{Field: config.ByRemoteID, Value: "a/b", Enterprise: 7}
	put, err := c.PutReservation(t.Context(), "lan 1/2", who, []byte(`{"prefixes":[]}`), true)
	if err != nil || put.Note != `remote-id 7 a/b {"prefixes":[]}` {
		t.Errorf("got %+v, %v", put, err)
	}
	gone, err := c.DeleteReservation(t.Context(), "lan", who, false)
	if err != nil || gone.Note != "gone: remote-id 7 a/b" {
		t.Errorf("got %+v, %v", gone, err)
	}
}
