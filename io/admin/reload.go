package admin

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// A ReloadRequest asks for the configuration file to be read again.
type ReloadRequest struct {
	DryRun bool   // only tell what it would do
	Digest string // apply it only if it still has this digest, as a Plan told it; empty: whatever it has
	Force  bool   // even if nodes can't take it one by one
}

// A Plan is what a reload changes, or changed.
type Plan struct {
	File        string       `json:"file"`
	Path        string       `json:"path"`    // of that, from the root
	Content     string       `json:"content"` // SHA-256 of what the file has, in hexadecimal
	Digest      string       `json:"digest"`  // of all that the policy is made of: the file, its keys, the stored reservations
	Changed     bool         `json:"changed"` // it differs from what is in force
	Applied     bool         `json:"applied"`
	Safe        bool         `json:"safe"` // the nodes can take it one by one, in any order
	Fingerprint Fingerprints `json:"fingerprint"`
	Changes     []PlanChange `json:"changes"` // of what decides an address
	Rest        []string     `json:"rest"`    // what else differs
	Warnings    []string     `json:"warnings"`
	Bindings    Effects      `json:"bindings"` // in all
	Pools       []PoolEffect `json:"pools"`    // by the pools that have the leases now; those without any binding are left out
}

// Fingerprints are those of two policies.
type Fingerprints struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// A PlanChange is one difference, in sentences.
type PlanChange struct {
	What    string   `json:"what"`
	Effect  string   `json:"effect,omitempty"`
	Before  string   `json:"before,omitempty"`  // what must hold first and no file shows
	Hazard  string   `json:"hazard,omitempty"`  // what goes wrong while some nodes have one file and some the other; empty: nothing
	Instead string   `json:"instead,omitempty"` // another new file that is safe
	Steps   []string `json:"steps,omitempty"`   // the way around a hazard
}

// Effects are the bindings that stand, this node's own and those observed of peers.
type Effects struct {
	Own      Effect `json:"own"`
	Observed Effect `json:"observed"`
}

// An Effect counts bindings by what becomes of them at their clients' next Renew.
type Effect struct {
	Kept          uint64 `json:"kept"`
	Renumbered    uint64 `json:"renumbered"`          // no pool of their link has them any more
	Excluded      uint64 `json:"excluded"`            // withdrawn: a pool has them and doesn't assign them
	Reserved      uint64 `json:"reserved_for_others"` // withdrawn: reserved for another client
	ToReservation uint64 `json:"to_reservation"`      // their client has another lease reserved, and gets that if it is free
	Retiring      uint64 `json:"retiring"`            // their pool is being retired: their client keeps them until they end, and gets another one beside
	Pending       uint64 `json:"pending"`             // of all but the kept ones: moved already by what is in force, whose clients haven't renewed since
}

// Moved is how many get another lease.
func (e *Effect) Moved() uint64 {
	return e.Renumbered + e.Excluded + e.Reserved + e.ToReservation + e.Retiring
}

// New is how many of those kept theirs if the configuration stayed as it is.
func (e *Effect) New() uint64 { return e.Moved() - e.Pending }

// A PoolEffect is that for one pool.
type PoolEffect struct {
	Link string `json:"link,omitempty"`
	Pool string `json:"pool,omitempty"` // as the configuration in force writes it; empty: leases outside of all pools
	Kind string `json:"kind"`           // IA_NA or IA_PD
	Effects
}

// ErrStale says that a file isn't what it was when its plan was made.
var ErrStale = errors.New("the configuration has changed since its plan was made")

// A ReloadError says why a configuration isn't taken. Nothing has changed.
type ReloadError struct {
	Problem string
	Faults  []string // one line each, as `lockstep6 check` has them
	Unsafe  bool     // nodes can't take it one by one
}

// Error is the problem, and the faults below it.
func (e *ReloadError) Error() string {
	text := e.Problem
	for _, fault := range e.Faults {
		text += "\n" + fault
	}
	return text
}

var reloadRoutes = []route{
	{"POST", "/v1/reload", true, []string{"dry_run", "digest", "force"}, reload},
}

func reload(w http.ResponseWriter, r *http.Request, node Node) {
	query := r.URL.Query()
	request := ReloadRequest{Digest: query.Get("digest")}
	var err error
	if request.DryRun, err = truth("dry_run", query.Get("dry_run")); err == nil {
		request.Force, err = truth("force", query.Get("force"))
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "give true, or leave it out")
		return
	}
	plan, err := node.Reload(r.Context(), request)
	if err != nil {
		replyReloadError(w, err)
		return
	}
	reply(w, http.StatusOK, plan)
}

// truth reads a parameter that is true or false, and absent the latter.
func truth(name, text string) (bool, error) {
	if text == "" {
		return false, nil
	}
	v, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("%s=%q is neither true nor false", name, text)
	}
	return v, nil
}

// replyReloadError tells why a configuration wasn't taken.
func replyReloadError(w http.ResponseWriter, err error) {
	var refused *ReloadError
	switch {
	case errors.Is(err, ErrStale):
		refuse(w, http.StatusConflict, err.Error(), "ask for a new plan: POST /v1/reload?dry_run=true")
	case errors.As(err, &refused) && refused.Unsafe:
		reply(w, http.StatusConflict, problem{Error: refused.Problem, Faults: refused.Faults,
			Remedy: "take the steps that the plan tells, or say force=true", Unsafe: true})
	case errors.As(err, &refused):
		reply(w, http.StatusUnprocessableEntity, problem{Error: refused.Problem, Faults: refused.Faults,
			Remedy: "mend what the faults name; nothing has changed"})
	default:
		refuse(w, http.StatusServiceUnavailable, err.Error(), "")
	}
}
