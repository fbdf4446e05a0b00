package admin

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/lockstep6/lockstep6/core/binding"
)

// A Client speaks to a running node.
type Client struct {
	http  *http.Client
	base  string // URL without a path
	token string // empty: none
}

// Dial makes a client for the socket at path. It fails where nobody answers there.
func Dial(path string) (*Client, error) {
	var d net.Dialer
	probe, err := d.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	_ = probe.Close()
	return &Client{base: "http://localhost", http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", path) },
	}}}, nil
}

// A Remote is a node that is reached by TCP.
type Remote struct {
	URL   string         // https://HOST:PORT or http://HOST:PORT
	Token string         // empty: none
	Roots *x509.CertPool // whom to trust; nil: as the machine does
}

// Connect makes a client for a node that is reached by TCP. Nothing is sent yet.
func Connect(r Remote) (*Client, error) {
	u, err := url.Parse(r.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		return nil, fmt.Errorf("%q isn't a URL such as https://node.example:8067", r.URL)
	case u.Scheme == "http" && r.Token != "" && !localHost(u.Host):
		return nil, errors.New("a token doesn't go over the network in the clear; use https")
	}
	return &Client{base: u.Scheme + "://" + u.Host, token: r.Token, http: &http.Client{
		Transport: &http.Transport{
			Proxy:           http.ProxyFromEnvironment,
			TLSClientConfig: &tls.Config{RootCAs: r.Roots, MinVersion: tls.VersionTLS13},
		},
		// The node redirects nobody; whoever does must not get the token.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close ends the client's connections.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// List streams the leases that pass the filter. An error ends the sequence.
func (c *Client) List(ctx context.Context, f Filter) iter.Seq2[Lease, error] {
	return func(yield func(Lease, error) bool) {
		body, err := c.do(ctx, http.MethodGet, "/v1/bindings/export?"+f.Query().Encode(), nil)
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
	err = c.call(ctx, http.MethodDelete, "/v1/bindings/"+lease.String()+"?whose="+whose.String(), nil, &l)
	var refused *refusal
	switch {
	case errors.As(err, &refused) && refused.status == http.StatusNotFound:
		return l, ErrNoLease
	case errors.As(err, &refused) && refused.status == http.StatusConflict:
		return l, &OwnerError{Lease: LeaseText(binding.Key{Address: lease.Addr().As16(), Length: uint8(lease.Bits())}), Owner: refused.problem.Owner}
	}
	return l, err
}

// State asks for a snapshot of the node.
func (c *Client) State(ctx context.Context) (s State, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/state", nil, &s)
	return s, err
}

// Peers asks what the node knows of its cluster.
func (c *Client) Peers(ctx context.Context) (p Peers, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/peers", nil, &p)
	return p, err
}

// LogLevel asks what is logged.
func (c *Client) LogLevel(ctx context.Context) (l LogLevel, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/log-level", nil, &l)
	return l, err
}

// SetLogLevel changes it: debug, info, warn or error.
func (c *Client) SetLogLevel(ctx context.Context, level string) (l LogLevel, err error) {
	err = c.call(ctx, http.MethodPut, "/v1/log-level", map[string]string{"level": level}, &l)
	return l, err
}

// SetDrain begins a drain or, with DrainNone, ends one.
func (c *Client) SetDrain(ctx context.Context, mode DrainMode) (d Drain, err error) {
	if mode == DrainNone {
		err = c.call(ctx, http.MethodDelete, "/v1/drain", nil, &d)
		return d, err
	}
	err = c.call(ctx, http.MethodPost, "/v1/drain?mode="+string(mode), nil, &d)
	return d, err
}

// Pools asks how full the pools are.
func (c *Client) Pools(ctx context.Context) ([]Pool, error) {
	var list poolList
	err := c.call(ctx, http.MethodGet, "/v1/pools", nil, &list)
	return list.Pools, err
}

// call sends one request and reads the answer's JSON into out.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var sent io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(b)
	}
	body, err := c.do(ctx, method, path, sent)
	if err != nil {
		return err
	}
	defer body.Close()
	return json.NewDecoder(body).Decode(out)
}

func (c *Client) do(ctx context.Context, method, path string, sent io.Reader) (io.ReadCloser, error) {
	answer, err := c.ask(ctx, method, path, sent)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// ask sends a request and returns the answer where it isn't a refusal; its body is to be closed.
func (c *Client) ask(ctx context.Context, method, path string, sent io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, sent)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if sent != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("the node doesn't answer: %w", err)
	}
	if answer.StatusCode == http.StatusOK || answer.StatusCode == http.StatusAccepted {
		return answer, nil
	}
	defer answer.Body.Close()
	refused := refusal{status: answer.StatusCode}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxBody)) // what can't be read has no words
	if err := json.Unmarshal(text, &refused.problem); err != nil || refused.problem.Error == "" {
		if host, plain := strings.CutPrefix(c.base, "http://"); plain && bytes.Contains(text, []byte(wantsTLS)) {
			return nil, fmt.Errorf("that port speaks TLS; ask it by https://%s", host)
		}
		return nil, fmt.Errorf("the node answered %s", answer.Status)
	}
	return nil, &refused
}

// wantsTLS is what Go's HTTP server says, in plain text, to who doesn't begin with TLS.
const wantsTLS = "HTTP request to an HTTPS server"

// A refusal is an answer in which the node says what is wrong.
type refusal struct {
	status  int
	problem problem
}

// Error is the node's words.
func (r *refusal) Error() string {
	if r.problem.Remedy == "" {
		return r.problem.Error
	}
	return r.problem.Error + "; " + r.problem.Remedy
}
