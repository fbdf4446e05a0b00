package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
}

var eventRoutes = []route{{"GET", "/v1/events", false, events}}

// events streams lines, one JSON object each. With follow it goes on with those that come, until the node or the reader ends.
func events(w http.ResponseWriter, r *http.Request, node Node) {
	var after uint64
	follow := false
	for name, values := range r.URL.Query() {
		var err error
		switch name {
		case "after":
			after, err = strconv.ParseUint(values[0], 10, 64)
		case "follow":
			if follow = true; values[0] != "" {
				follow, err = strconv.ParseBool(values[0])
			}
		default:
			err = errors.New("there is none of that name")
		}
		if err != nil {
			reply(w, http.StatusBadRequest, problem{Error: fmt.Sprintf("%s=%q: %v", name, values[0], err), Remedy: "give after=SEQUENCE, follow"})
			return
		}
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder, control := json.NewEncoder(w), http.NewResponseController(w)
	for {
		lines, more := node.Events(after)
		_ = control.SetWriteDeadline(time.Now().Add(patienceTime)) // both kinds of connection can
		for i := range lines {
			if encoder.Encode(&lines[i]) != nil {
				return // the other side has gone, or is too slow
			}
			after = lines[i].Sequence
		}
		if !follow || more == nil || control.Flush() != nil {
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
