package hook

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/lockstep6/lockstep6/io/privacy"
)

// A Post sends events to a URL as {"events": [...]}. An answer of 2xx takes all of them, any other one none. Redirections aren't
// followed: whoever sends one must not get the token.
type Post struct {
	url   string
	token func() (string, error)
	http  *http.Client
}

const answerMost = 64 << 10 // octets of an answer that are read

// NewPost makes one. Token is asked for each batch; nil: none is sent.
func NewPost(url string, parallel int, token func() (string, error)) *Post {
	return &Post{url: url, token: token, http: &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: parallel, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close ends idle connections.
func (p *Post) Close() { p.http.CloseIdleConnections() }

// Send implements Target.
func (p *Post) Send(ctx context.Context, events []Event) error {
	body, err := json.Marshal(map[string][]Event{"events": events})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if p.token != nil {
		token, err := p.token()
		if err != nil {
			return fmt.Errorf("token: %w", err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := p.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, answerMost)) // read to its end the connection can be used again
	if answer.StatusCode/100 == 2 {
		return nil
	}
	return &privacy.ForeignError{
		Err:  fmt.Errorf("%s answered %s", p.url, answer.Status),
		Said: strings.TrimSpace(string(text[:min(len(text), saidMost)])),
	}
}
