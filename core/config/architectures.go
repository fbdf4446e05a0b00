package config

import (
	"maps"
	"reflect"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// architectures are names for IANA's processor architecture types (RFC 5970, Section 6), but for the deprecated ones. Those
// that boot by HTTP are types of their own.
var architectures = map[string]uint16{
	"x86-bios": 0, "itanium": 2, "x86-uefi": 6, "x64-uefi": 7, "ebc": 9, "arm32-uefi": 10, "arm64-uefi": 11,
	"powerpc-open-firmware": 12, "powerpc-epapr": 13, "power-opal": 14,
	"x86-uefi-http": 15, "x64-uefi-http": 16, "ebc-http": 17, "arm32-uefi-http": 18, "arm64-uefi-http": 19, "x86-bios-http": 20,
	"arm32-uboot": 21, "arm64-uboot": 22, "arm32-uboot-http": 23, "arm64-uboot-http": 24,
	"riscv32-uefi": 25, "riscv32-uefi-http": 26, "riscv64-uefi": 27, "riscv64-uefi-http": 28, "riscv128-uefi": 29, "riscv128-uefi-http": 30,
	"s390-basic": 31, "s390-extended": 32, "mips32-uefi": 33, "mips64-uefi": 34, "sunway32-uefi": 35, "sunway64-uefi": 36,
	"loongarch32-uefi": 37, "loongarch32-uefi-http": 38, "loongarch64-uefi": 39, "loongarch64-uefi-http": 40,
}

// architecture is a processor architecture type by its number or its name.
type architecture struct {
	leaf
	value uint16
}

func (a *architecture) read(c *checker, n *yaml.Node, at place, _ reflect.StructTag) {
	a.place, a.given = at, true
	number, err := strconv.ParseUint(n.Value, 0, 16)
	value, known := architectures[n.Value]
	switch {
	case n.Kind != yaml.ScalarNode || n.Value == "":
		c.fail(at, "is "+describe(n)+", not an architecture", "write a name such as x64-uefi, or IANA's number")
	case n.ShortTag() == "!!int" && err != nil:
		c.fail(at, "is "+printable(n.Value), "architecture types are from 0 to 65535")
	case n.ShortTag() == "!!int":
		a.value, a.ok = uint16(number), true
	case !known:
		c.fail(at, "there is no architecture "+printable(n.Value), suggest(n.Value, slices.Sorted(maps.Keys(architectures)))+" (IANA's number will do too)")
	default:
		a.value, a.ok = value, true
	}
}
