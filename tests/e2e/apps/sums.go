// The server of sums (servers.py) for Go, linked statically; a second goroutine keeps the scheduler busy.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

func main() {
	table := make([]uint64, 65536)
	for i := range table {
		table[i] = uint64(i) * 2654435761 % (1 << 32)
	}
	go func() {
		for range time.Tick(time.Millisecond) {
			_ = make([]byte, 10000)
		}
	}()
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go func() {
			var sum uint64
			for lines := bufio.NewScanner(connection); lines.Scan(); {
				var number uint64
				fmt.Sscan(strings.Fields(lines.Text())[1], &number)
				sum += number
				fmt.Fprintf(connection, "%d %d\n", sum, table[sum%65536])
			}
		}()
	}
}
