package config

// Privacy says how what names a client leaves the program (RFC 7824).
type Privacy struct {
	Logs, Metrics string // clear, pseudonyms, hidden
	Key           Secret // empty: it follows from the key that decides addresses
}

func (c *checker) privacy(raw *rawPrivacy) Privacy {
	if raw == nil {
		raw = &rawPrivacy{}
	}
	p := Privacy{Logs: raw.Logs.or("clear"), Metrics: raw.Metrics.or("clear"), Key: c.secret(&raw.Key)}
	if p.Key != "" && p.Logs != "pseudonyms" && p.Metrics != "pseudonyms" {
		c.warn(raw.Key.place, "is used by nothing", "say logs: pseudonyms or metrics: pseudonyms, or leave it out")
	}
	return p
}
