package admin

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A DayRule says what a date without a time of day stands for.
type DayRule uint8

// What a date alone stands for.
const (
	Moment   DayRule = iota // nothing: a time is needed
	DayBegin                // its first second
	DayEnd                  // its last second
)

// TimeForms tells how times are written.
const TimeForms = "write 2026-11-25T14:00:00Z, 2026-11-25 14:00 or 2026-11-25, yesterday 14:00, now, or -3h (-90m, -7d); times are UTC unless they carry an offset"

// clocks are the forms of a time of day.
var clocks = []string{"15:04:05", "15:04"}

// ParseTime reads a time as people write it: RFC 3339; a date, today or yesterday, with a time of day behind it or not; now; or how
// long ago, as -3h or -2d. It is UTC unless it carries an offset.
func ParseTime(text string, now time.Time, rule DayRule) (time.Time, error) {
	now = now.UTC().Truncate(time.Second)
	text = strings.TrimSpace(text)
	if t, err := time.Parse(time.RFC3339, strings.Replace(text, " ", "T", 1)); err == nil {
		return t.UTC(), nil
	}
	if text == "now" {
		return now, nil
	}
	if ago, ok := parseAgo(text); ok {
		return now.Add(-ago), nil
	}
	word, clock, hasClock := strings.Cut(strings.Replace(text, "T", " ", 1), " ")
	day, err := parseDay(word, now)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q isn't a time: %s", text, TimeForms)
	}
	if hasClock {
		for _, form := range clocks {
			if t, err := time.Parse(form, strings.TrimSpace(clock)); err == nil {
				return day.Add(time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second), nil
			}
		}
		return time.Time{}, fmt.Errorf("%q has no time of day behind the date: %s", text, TimeForms)
	}
	switch rule {
	case DayBegin:
		return day, nil
	case DayEnd:
		return day.Add(24*time.Hour - time.Second), nil
	}
	return time.Time{}, fmt.Errorf("%q is a whole day: give a time of day too, or the day as from and to", text)
}

func parseDay(word string, now time.Time) (time.Time, error) {
	today := now.Truncate(24 * time.Hour)
	switch word {
	case "today":
		return today, nil
	case "yesterday":
		return today.Add(-24 * time.Hour), nil
	}
	return time.Parse(time.DateOnly, word)
}

// parseAgo reads -3h, -1h30m and -2d.
func parseAgo(text string) (time.Duration, bool) {
	text, ok := strings.CutPrefix(text, "-")
	if !ok || strings.HasPrefix(text, "-") {
		return 0, false
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err == nil
	}
	d, err := time.ParseDuration(text)
	return d, err == nil
}
