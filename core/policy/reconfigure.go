package policy

import "github.com/lockstep6/lockstep6/core/config"

// Reconfigure is what a server needs to tell clients keys by which it can make them ask again (RFC 9915, Section 20.4).
type Reconfigure struct {
	Gate   config.Gate // whose members are told one
	Secret [32]byte    // from which all keys follow; not from the configuration: whoever compiles it sets it before the policy is used
}

// reconfigure is called when the links are compiled.
func (c *compiler) reconfigure() {
	from := c.cfg.Reconfigure
	if from == nil {
		return
	}
	c.p.Reconfigure = &Reconfigure{Gate: from.Gate}
	for i := range c.p.Links {
		c.p.Links[i].Reconfigure = len(from.Links) == 0
	}
	for _, at := range from.Links {
		c.p.Links[at].Reconfigure = true
	}
}
