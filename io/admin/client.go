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

// Release frees a lease.
func (c *Client) Release(ctx context.Context, lease netip.Prefix) (l Lease, err error) {
	body, err := c.do(ctx, http.MethodDelete, "/v1/leases/"+lease.String())
	if err != nil {
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

func (c *Client) do(ctx context.Context, method, path string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://node"+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("the node doesn't answer: %w", err)
	}
	switch answer.StatusCode {
	case http.StatusOK:
		return answer.Body, nil
	case http.StatusNotFound:
		_ = answer.Body.Close()
		return nil, ErrNoLease
	}
	defer answer.Body.Close()
	var p problem
	if err := json.NewDecoder(answer.Body).Decode(&p); err != nil {
		return nil, fmt.Errorf("the node answered %s", answer.Status)
	}
	return nil, errors.New(p.Error)
}
