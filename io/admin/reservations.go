package admin

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/lockstep6/lockstep6/core/config"
)

// A Reservation is what one client gets on a link.
type Reservation struct {
	Link       string   `json:"link"`
	Client     string   `json:"client"`               // duid, hardware, remote-id, subscriber-id or interface-id
	Value      string   `json:"value"`                // of that, as the file can have it
	Enterprise *uint32  `json:"enterprise,omitempty"` // of a Remote-ID; nil: any
	Addresses  []string `json:"addresses"`
	Prefixes   []string `json:"prefixes"`
	Hostname   string   `json:"hostname"` // the client's name, as NameText writes it; of a stopped node as it was given; empty: none
	Options    int      `json:"options"`  // how many options of its own it has
	Stored     bool     `json:"stored"`   // kept by this node beside the file
}

// A ReservationChange says what came of a change of the stored reservations.
type ReservationChange struct {
	Plan
	Note string `json:"note"`
}

// ReservationNote tells what has to be done elsewhere.
const ReservationNote = "every node of the cluster needs the same reservation: until they have it their fingerprints differ"

// Errors of reservations.
var (
	ErrNoLink        = errors.New("no such link")
	ErrNoReservation = errors.New("no such stored reservation")
)

// MaxReservation is the most octets of one stored reservation.
const MaxReservation = 16 << 10

var reservationRoutes = []route{
	{"GET", "/v1/links/{link}/reservations", false, nil, listReservations},
	{"PUT", "/v1/links/{link}/reservations/{client}/{value...}", true, []string{"enterprise", "force"}, putReservation},
	{"DELETE", "/v1/links/{link}/reservations/{client}/{value...}", true, []string{"enterprise", "force"}, deleteReservation},
}

// listReservations answers with one JSON object a line.
func listReservations(w http.ResponseWriter, r *http.Request, node Node) {
	all, err := node.Reservations(r.PathValue("link"))
	if err != nil {
		replyReservationError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder := json.NewEncoder(w)
	for i := range all {
		if encoder.Encode(&all[i]) != nil {
			return // the other side has gone
		}
	}
}

// clientOf reads whom a request is about, and whether to force it.
func clientOf(r *http.Request) (c config.Client, force bool, err error) {
	query := r.URL.Query()
	if force, err = truth("force", query.Get("force")); err == nil {
		c, err = config.ParseClient(r.PathValue("client"), r.PathValue("value"), query.Get("enterprise"))
	}
	return c, force, err
}

const clientRemedy = "the path ends with duid, hardware, remote-id, subscriber-id or interface-id, and its value; enterprise=NUMBER and force=true may follow"

// putReservation takes a JSON object with what a reservation of the file has beside its client: addresses, prefixes, hostname, options.
func putReservation(w http.ResponseWriter, r *http.Request, node Node) {
	const remedy = `send {"addresses": [...], "prefixes": [...]}, of 16 KiB at most`
	client, force, err := clientOf(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), clientRemedy)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxReservation))
	if err != nil {
		refuse(w, statusOfBody(err), "the body can't be read: "+err.Error(), remedy)
		return
	}
	if !json.Valid(body) {
		refuse(w, http.StatusBadRequest, "the body isn't JSON", remedy)
		return
	}
	change, err := node.PutReservation(r.Context(), r.PathValue("link"), client, body, force)
	replyReservation(w, r, change, err)
}

func deleteReservation(w http.ResponseWriter, r *http.Request, node Node) {
	client, force, err := clientOf(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), clientRemedy)
		return
	}
	change, err := node.DeleteReservation(r.Context(), r.PathValue("link"), client, force)
	replyReservation(w, r, change, err)
}

func replyReservation(w http.ResponseWriter, r *http.Request, change ReservationChange, err error) {
	if err != nil {
		replyReservationError(w, r, err)
		return
	}
	reply(w, http.StatusOK, change)
}

func replyReservationError(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, ErrNoLink):
		refuse(w, http.StatusNotFound, "there is no link "+strconv.Quote(printable(r.PathValue("link"))), "GET /v1/links lists what there is")
	case errors.Is(err, ErrNoReservation):
		refuse(w, http.StatusNotFound, err.Error(), "`lockstep6 reservations list` shows what there is; those of the file are changed there")
	default:
		replyReloadError(w, err)
	}
}
