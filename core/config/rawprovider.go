package config

// rawProvider names a prefix that somebody else gives, and where it is read.
type rawProvider struct {
	At        place  `json:"-"`
	Name      text   `json:"name" jsonschema:"How the rest of the file calls it: up to 63 letters, digits, hyphens, underscores and dots." example:"uplink"`
	File      text   `json:"file,omitempty" jsonschema:"A file whose first line is the prefix; # begins a comment. Relative to the configuration's folder. It is read every two seconds, and best replaced by renaming another one." example:"/run/wan-prefix"`
	Interface text   `json:"interface,omitempty" jsonschema:"An interface of this machine with a global address in the prefix; length says how much of the address is the prefix." example:"ppp0"`
	API       flag   `json:"api,omitempty" jsonschema:"The prefix is set by lockstep6 provider-prefix, or PUT /v1/provider-prefixes." default:"false" example:"true"`
	Length    number `json:"length,omitempty" jsonschema:"The prefix's length. One of another length isn't taken. With interface it is needed." min:"1" max:"127" default:"any" example:"56"`
}
