package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/lockstep6/lockstep6/core/config"
)

// Reload has the configuration file read again, as Node's Reload.
func (c *Client) Reload(ctx context.Context, r ReloadRequest) (p Plan, err error) {
	q := url.Values{}
	if r.DryRun {
		q.Set("dry_run", "true")
	}
	if r.Force {
		q.Set("force", "true")
	}
	if r.Digest != "" {
		q.Set("digest", r.Digest)
	}
	return p, c.change(ctx, http.MethodPost, "/v1/reload?"+q.Encode(), nil, &p)
}

// Reservations are those of a link, the file's and the stored ones.
func (c *Client) Reservations(ctx context.Context, link string) (all []Reservation, err error) {
	body, err := c.do(ctx, http.MethodGet, "/v1/links/"+url.PathEscape(link)+"/reservations", nil)
	if err != nil {
		return nil, changeError(err)
	}
	defer body.Close()
	decoder := json.NewDecoder(bufio.NewReader(body))
	for {
		var r Reservation
		if err := decoder.Decode(&r); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return all, err
		}
		all = append(all, r)
	}
}

// PutReservation stores a reservation, as Node's PutReservation.
func (c *Client) PutReservation(ctx context.Context, link string, who config.Client, what []byte, force bool) (change ReservationChange, err error) {
	return change, c.change(ctx, http.MethodPut, reservationPath(link, who, force), what, &change)
}

// DeleteReservation drops a stored reservation, as Node's DeleteReservation.
func (c *Client) DeleteReservation(ctx context.Context, link string, who config.Client, force bool) (change ReservationChange, err error) {
	return change, c.change(ctx, http.MethodDelete, reservationPath(link, who, force), nil, &change)
}

// ProviderPrefixes are those of the configuration, as Node's ProviderPrefixes.
func (c *Client) ProviderPrefixes(ctx context.Context) ([]ProviderPrefix, error) {
	var all ProviderPrefixes
	err := c.call(ctx, http.MethodGet, "/v1/provider-prefixes", nil, &all)
	return all.Prefixes, err
}

// PutProviderPrefix puts a prefix in force, as Node's PutProviderPrefix.
func (c *Client) PutProviderPrefix(ctx context.Context, name, prefix string) (p Plan, err error) {
	body, err := json.Marshal(providerPut{prefix})
	if err != nil {
		return p, err
	}
	return p, c.change(ctx, http.MethodPut, "/v1/provider-prefixes/"+url.PathEscape(name), body, &p)
}

func reservationPath(link string, who config.Client, force bool) string {
	q := url.Values{}
	if force {
		q.Set("force", "true")
	}
	if who.Field == config.ByRemoteID && !who.AnyEnterprise {
		q.Set("enterprise", strconv.FormatUint(uint64(who.Enterprise), 10))
	}
	return "/v1/links/" + url.PathEscape(link) + "/reservations/" + who.Field + "/" + url.PathEscape(who.Text()) + "?" + q.Encode()
}

// change asks for a change and reads its result.
func (c *Client) change(ctx context.Context, method, path string, body []byte, result any) error {
	var sent io.Reader
	if body != nil {
		sent = bytes.NewReader(body)
	}
	answer, err := c.do(ctx, method, path, sent)
	if err != nil {
		return changeError(err)
	}
	defer answer.Close()
	return json.NewDecoder(answer).Decode(result)
}

// changeError turns an answer that isn't 200 into what the node meant.
func changeError(err error) error {
	var refused *refusal
	if !errors.As(err, &refused) {
		return err
	}
	p := refused.problem
	switch {
	case refused.status == http.StatusUnprocessableEntity || p.Unsafe:
		return &ReloadError{Problem: p.Error, Faults: p.Faults, Unsafe: p.Unsafe}
	case refused.status == http.StatusConflict:
		return ErrStale
	default:
		return err
	}
}
