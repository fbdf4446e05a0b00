package daemon

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/io/admin"
)

// openAdmin binds what people and programs ask the node by, with the rights that the configuration gives them.
func (d *Daemon) openAdmin() (*admin.Server, error) {
	rights := d.inForce.config.Admin
	if d.options.Admin.IsValid() {
		rights.Listen = d.options.Admin
		if field, problem, remedy := rights.Fault(); problem != "" {
			return nil, fmt.Errorf("--admin %s: %s: %s; %s", rights.Listen, field, problem, remedy)
		}
		if field, problem, remedy := rights.Doubt(); problem != "" {
			d.log.Warn("--admin gives the API other rights than are usual", "id", "api-rights", "field", field, "problem", problem, "remedy", remedy)
		}
	}
	token, err := CheckAdmin(d.inForce.config, d.options.ConfigFile)
	if err != nil {
		return nil, err
	}
	return admin.Open(admin.Config{
		Listen: rights.Listen, Certificate: beside(d.options.ConfigFile, rights.Certificate), Key: beside(d.options.ConfigFile, rights.Key),
		Token: token, Open: rights.Free(), Names: rights.Names,
		Socket: filepath.Join(d.data, "admin.sock"), Node: d.operator, Logger: d.log,
	})
}

// CheckAdmin reads what the API needs, as a start does, and returns the token. What is wrong is a fault of the configuration.
func CheckAdmin(c *config.Config, configFile string) (token []byte, err error) {
	fault := func(field string, err error) error {
		at := c.Positions[field]
		return config.Errors{{File: configFile, Line: at.Line, Column: at.Column, Field: field, Problem: err.Error()}}
	}
	if token, err = Token(c.Admin.Token, configFile); err != nil {
		return nil, fault("admin.token", err)
	}
	if c.Admin.Certificate == "" {
		return token, nil
	}
	if err := admin.CheckCertificate(beside(configFile, c.Admin.Certificate), beside(configFile, c.Admin.Key)); err != nil {
		return nil, fault("admin.tls", err)
	}
	return token, nil
}

// Token reads the API's token: file:NAME, relative to the configuration's folder, or env:NAME. Empty: there is none.
func Token(s config.Secret, configFile string) ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	text, err := secretText(s, configFile, "`openssl rand -hex 32` makes one; let only the node's user read it")
	if err != nil {
		return nil, err
	}
	if len(text) < config.MinToken || strings.ContainsFunc(text, func(c rune) bool { return c > unicode.MaxASCII || !unicode.IsGraphic(c) || c == ' ' }) {
		return nil, fmt.Errorf("a token is one word of ASCII characters, %d at least; `openssl rand -hex 32` makes one", config.MinToken)
	}
	return []byte(text), nil
}

// beside is a file's path, relative to the configuration's folder; empty stays empty.
func beside(configFile, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(configFile), name)
}
