//! What runs until it is told to stop ends well and at once, though it has not come to its work yet. That it does while it
//! works, the end-to-end tests see: they end everything by signals.

use crate::common::{
    artefact,
    network::{Process, PATIENCE},
    worker,
};
use std::{io::Read, net::TcpListener, sync::mpsc, thread};

/// Has the worker wait for a node that takes its connection and says nothing, and ends it then: as a supervisor does, and
/// as a terminal does.
fn ends_well(arguments: &[&str]) {
    for signal in ["-TERM", "-INT"] {
        let folder = tempfile::tempdir().unwrap();
        let node = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}", node.local_addr().unwrap());
        let (sender, connections) = mpsc::channel();
        thread::spawn(move || {
            let (mut connection, _) = node.accept().unwrap();
            // Whoever speaks has begun to listen for signals, when it waited to be connected.
            connection.read_exact(&mut [0]).unwrap();
            // The test may have given up; who connects is not needed then.
            let _ = sender.send(connection);
        });
        let mut command = worker();
        command.args(arguments).args(["--dev-key", "alice", "--url", &url, "--connect-timeout", "3600", "--data"]);
        let process = Process::start("worker", command.arg(folder.path()));
        let connection = connections.recv_timeout(PATIENCE).expect("the worker comes to the node");
        process.stop_by(signal);
        drop(connection);
    }
}

#[test]
fn a_worker_that_waits_for_a_node_ends_well_when_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let model = artefact(folder.path(), 1);
    let model = model.to_str().unwrap();
    ends_well(&["solve", "--models", model, "--metrics-addr", "off"]);
    ends_well(&["verify-loop", "--models", model, "--metrics-addr", "off"]);
    ends_well(&["elect", "--bid", "1", "--metrics-addr", "off"]);
    ends_well(&["gateway", "--listen", "127.0.0.1:0"]);
}
