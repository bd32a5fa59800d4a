// The server of sums (servers.py) for Rust: a thread for each connection, and a channel between them.
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc;

fn main() {
    let port = std::env::args().nth(1).expect("a port");
    let (ask, questions) = mpsc::channel::<(u64, mpsc::Sender<u64>)>();
    std::thread::spawn(move || {
        let table: Vec<u64> = (0..65536).map(|i: u64| i * 2654435761 % (1 << 32)).collect();
        for (sum, answer) in questions {
            answer.send(table[(sum % 65536) as usize]).expect("who asked");
        }
    });
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).expect("a listener");
    for connection in listener.incoming() {
        let mut connection = connection.expect("a connection");
        let ask = ask.clone();
        std::thread::spawn(move || {
            let mut sum = 0;
            for line in BufReader::new(connection.try_clone().expect("a copy")).lines() {
                let line = line.expect("a line");
                sum += line.split(' ').nth(1).expect("a number").parse::<u64>().expect("a number");
                let (answer, answers) = mpsc::channel();
                ask.send((sum, answer)).expect("a table");
                let line = format!("{} {}\n", sum, answers.recv().expect("an answer"));
                connection.write_all(line.as_bytes()).expect("sent");
            }
        });
    }
}
