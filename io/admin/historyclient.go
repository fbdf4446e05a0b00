package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// History streams the periods that pass the query, as Node's History. An error ends the sequence.
func (c *Client) History(ctx context.Context, q HistoryQuery) (HistoryState, iter.Seq2[Period, error], error) {
	answer, err := c.ask(ctx, http.MethodGet, "/v1/history?"+q.encode(), nil)
	var refused *refusal
	if errors.As(err, &refused) && refused.status == http.StatusNotFound {
		return HistoryState{}, nil, ErrNoHistory
	}
	if err != nil {
		return HistoryState{}, nil, err
	}
	var state HistoryState
	if since, err := time.Parse(time.RFC3339, answer.Header.Get(historySince)); err == nil {
		state = HistoryState{On: true, Since: since}
	}
	return state, func(yield func(Period, error) bool) {
		defer answer.Body.Close()
		decoder := json.NewDecoder(bufio.NewReader(answer.Body))
		for {
			var line historyLine
			err := decoder.Decode(&line)
			switch {
			case errors.Is(err, io.EOF):
				return
			case err == nil && line.Error != "":
				err = errors.New(line.Error)
			}
			if !yield(line.Period, err) || err != nil {
				return
			}
		}
	}, nil
}

func (q *HistoryQuery) encode() string {
	v := url.Values{}
	if q.Lease.IsValid() {
		v.Set("lease", q.Lease.String())
	}
	if !q.From.IsZero() {
		v.Set("from", q.From.Format(time.RFC3339))
	}
	if !q.To.IsZero() {
		v.Set("to", q.To.Format(time.RFC3339))
	}
	if q.DUID != "" {
		v.Set("duid", q.DUID)
	}
	if q.RemoteID != "" {
		v.Set("remote_id", q.RemoteID)
	}
	return v.Encode()
}
