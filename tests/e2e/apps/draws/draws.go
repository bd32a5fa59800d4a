// Draws from Go's generators: when it begins, and again when it finds itself a clone, and
// once more when it has seeded those that a program can seed.
package main

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	math "math/rand"
	"os"
	"time"
)

func draw(word string) {
	bytes := make([]byte, 8)
	if _, err := rand.Read(bytes); err != nil {
		panic(err)
	}
	fmt.Printf("%s crypto=%x math=%x\n", word, bytes, math.Uint64())
}

func isClone() bool {
	event, err := os.ReadFile("/run/appshot/event")
	if err != nil {
		panic(err)
	}
	return string(event) == "clone\n"
}

func main() {
	math.Seed(time.Now().UnixNano())
	draw("ready")
	for !isClone() {
		time.Sleep(10 * time.Millisecond)
	}
	draw("drawn")
	var fresh [8]byte
	if _, err := rand.Read(fresh[:]); err != nil {
		panic(err)
	}
	math.Seed(int64(binary.LittleEndian.Uint64(fresh[:])))
	draw("mended")
	select {}
}
