package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/lockstep6/lockstep6/core/binding"
)

// A Client speaks to a running node through its admin socket.
type Client struct{ http *http.Client }

// Dial makes a client for the socket at path. It fails where nobody answers there.
func Dial(path string) (*Client, error) {
	var d net.Dialer
	probe, err := d.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	_ = probe.Close()
	return &Client{http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", path) },
	}}}, nil
}

// Close ends the client's connections.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// List streams the leases that pass the filter. An error ends the sequence.
func (c *Client) List(ctx context.Context, f Filter) iter.Seq2[Lease, error] {
	return func(yield func(Lease, error) bool) {
		q := url.Values{}
		if f.Within.IsValid() {
			q.Set("within", f.Within.String())
		}
		if f.DUID != "" {
			q.Set("duid", f.DUID)
		}
		if f.Live {
			q.Set("live", "true")
		}
		q.Set("whose", f.Whose.String())
		body, err := c.do(ctx, http.MethodGet, "/v1/leases?"+q.Encode())
		if err != nil {
			yield(Lease{}, err)
			return
		}
		defer body.Close()
		decoder := json.NewDecoder(bufio.NewReader(body))
		for {
			var l Lease
			err := decoder.Decode(&l)
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

// Release frees a lease, as Node's Release.
func (c *Client) Release(ctx context.Context, lease netip.Prefix, whose Whose) (l Lease, err error) {
	body, err := c.do(ctx, http.MethodDelete, "/v1/leases/"+lease.String()+"?whose="+whose.String())
	var refused *refusal
	switch {
	case errors.As(err, &refused) && refused.status == http.StatusNotFound:
		return l, ErrNoLease
	case errors.As(err, &refused) && refused.status == http.StatusConflict:
		return l, &OwnerError{Lease: LeaseText(binding.Key{Address: lease.Addr().As16(), Length: uint8(lease.Bits())}), Owner: refused.problem.Owner}
	case err != nil:
		return l, err
	}
	defer body.Close()
	return l, json.NewDecoder(body).Decode(&l)
}

// State asks for a snapshot of the node.
func (c *Client) State(ctx context.Context) (s State, err error) {
	body, err := c.do(ctx, http.MethodGet, "/v1/state")
	if err != nil {
		return s, err
	}
	defer body.Close()
	return s, json.NewDecoder(body).Decode(&s)
}

// Peers asks what the node knows of its cluster.
func (c *Client) Peers(ctx context.Context) (p Peers, err error) {
	body, err := c.do(ctx, http.MethodGet, "/v1/peers")
	if err != nil {
		return p, err
	}
	defer body.Close()
	return p, json.NewDecoder(body).Decode(&p)
}

func (c *Client) do(ctx context.Context, method, path string) (io.ReadCloser, error) {
	answer, err := c.ask(ctx, method, path)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// ask sends a request and returns the answer where it is 200; its body is to be closed.
func (c *Client) ask(ctx context.Context, method, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://node"+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("the node doesn't answer: %w", err)
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close()
	refused := refusal{status: answer.StatusCode}
	if err := json.NewDecoder(answer.Body).Decode(&refused.problem); err != nil {
		return nil, fmt.Errorf("the node answered %s", answer.Status)
	}
	return nil, &refused
}

// A refusal is an answer that isn't 200.
type refusal struct {
	status  int
	problem problem
}

// Error is the node's words.
func (r *refusal) Error() string { return r.problem.Error }
