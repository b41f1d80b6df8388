// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Command echo serves connections in a container. On port 7 it sends back what comes. On port 19 it sends as many bytes as its
// argument says.
package main

import (
	"io"
	"log"
	"net"
	"os"
	"strconv"
)

func main() {
	length, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	go serve(":7", func(conn net.Conn) { _, _ = io.Copy(conn, conn) })
	serve(":19", func(conn net.Conn) {
		buffer := make([]byte, 64<<10)
		for left := length; left > 0; {
			n, err := conn.Write(buffer[:min(left, len(buffer))])
			if err != nil {
				return // the client has left
			}
			left -= n
		}
	})
}

func serve(address string, each func(net.Conn)) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer conn.Close()
			each(conn)
		}()
	}
}
