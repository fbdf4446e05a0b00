package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// An Event is a line of the log.
type Event struct {
	Sequence   uint64         `json:"sequence"` // counts from 1 at the node's start
	At         time.Time      `json:"at"`
	Level      string         `json:"level"` // INFO, WARN, ERROR
	ID         string         `json:"id"`    // as docs/messages.md explains it
	Message    string         `json:"message"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

// An Observer tells what befell a node lately.
type Observer interface {
	// Refusals is what clients were refused, the newest first.
	Refusals() Refusals
	// Events is the newest lines of the log after the one with that sequence, the oldest first. More is closed when there
	// are others; nil: there won't be any.
	Events(after uint64) (events []Event, more <-chan struct{})
	// Rates is what the node did lately, after the sample with that sequence.
	Rates(after uint64) Rates
}

var eventRoutes = []route{{"GET", "/v1/events", false, []string{"after", "follow"}, events}}

// events streams lines, one JSON object each. With follow it goes on with those that come, until the node or the reader ends.
func events(w http.ResponseWriter, r *http.Request, node Node) {
	query := r.URL.Query()
	after, ok := sequenceAfter(w, r)
	if !ok {
		return
	}
	follow := query.Has("follow") && query.Get("follow") == "" // ?follow alone says enough
	if !follow {
		var err error
		if follow, err = truth("follow", query.Get("follow")); err != nil {
			refuse(w, http.StatusBadRequest, err.Error(), "leave it out for the lines that there are")
			return
		}
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder, control := json.NewEncoder(w), http.NewResponseController(w)
	for {
		lines, more := node.Events(after)
		for i := range lines {
			if encoder.Encode(&lines[i]) != nil {
				return // the other side has gone, or is too slow
			}
			after = lines[i].Sequence
		}
		if !follow || more == nil || r.Method == http.MethodHead || control.Flush() != nil {
			return
		}
		select {
		case <-more:
		case <-r.Context().Done():
			return
		}
	}
}

// Events asks for the newest lines of the log after the one with that sequence.
func (c *Client) Events(ctx context.Context, after uint64) (all []Event, err error) {
	body, err := c.do(ctx, http.MethodGet, "/v1/events?after="+strconv.FormatUint(after, 10), nil)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	for decoder := json.NewDecoder(body); ; {
		var e Event
		if err := decoder.Decode(&e); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return all, err
		}
		all = append(all, e)
	}
}
