package admin

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
)

// Reconfigure implements Node: names say what goes wrong.
func (f *fake) Reconfigure(_ context.Context, r ReconfigureRequest) (run ReconfigureRun, err error) {
	switch {
	case r.Link == "none":
		return run, ErrNoLink
	case r.Class == "none":
		return run, ErrNoClass
	case r.Class == "all":
		return run, ErrTooMany
	case r.Class == "busy":
		return run, ErrReconfiguring
	case r.Lease != "":
		return run, ErrNobody
	}
	fill(reflect.ValueOf(&run).Elem())
	run.Message = "renew"
	return run, nil
}

func (f *fake) Reconfiguring() (run ReconfigureRun, err error) {
	return f.Reconfigure(context.Background(), ReconfigureRequest{Stale: true})
}

func (f *fake) CancelReconfigure() (ReconfigureRun, error) { return f.Reconfiguring() }

// TestReconfigureRefusals: what can't be done is told with a remedy.
func TestReconfigureRefusals(t *testing.T) {
	for err, status := range map[error]int{ErrNoReconfigure: 404, ErrNoRun: 404, ErrNobody: 404, ErrReconfiguring: 409, errors.New("other"): 503} {
		w := httptest.NewRecorder()
		replyReconfigure(w, http.StatusOK, ReconfigureRun{}, err)
		if w.Code != status {
			t.Errorf("%v: %d, want %d", err, w.Code, status)
		}
	}
}
