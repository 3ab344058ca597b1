//! A session ticket that comes when the answer is long out, from a server that writes it by hand:
//! rustls sends its own with the handshake (RFC 8446, section 4.6.1, allows any time).

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use rustls::crypto::cipher::{MessageEncrypter, OutboundChunks, OutboundPlainMessage};
use rustls::crypto::ring::{cipher_suite::TLS13_AES_256_GCM_SHA384, default_provider};
use rustls::pki_types::PrivateKeyDer;
use rustls::{
    ConnectionTrafficSecrets, ContentType, ProtocolVersion, ServerConfig, ServerConnection,
    SupportedCipherSuite, crypto::CryptoProvider,
};
use welkin::{Container, Driver, List, Result, aws};

use crate::support::{current_thread, ms, multi_thread, quick, until};

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 68\r\n\r\n\
    <ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>";

#[test]
fn on_a_thread_it_does_not_end_an_idle_connection() {
    outlives_a_late_ticket(&|list| list.wait());
}

#[test]
fn in_smol_it_does_not_end_an_idle_connection() {
    outlives_a_late_ticket(&|list| smol::block_on(list));
}

#[test]
fn in_a_runtime_it_does_not_end_an_idle_connection() {
    for runtime in [current_thread(), multi_thread()] {
        outlives_a_late_ticket(&|list| {
            runtime.block_on(async { tokio::spawn(list).await.unwrap() })
        });
    }
}

fn outlives_a_late_ticket(run: &dyn Fn(List<Container>) -> Result<Vec<Container>>) {
    let (server, ca_pem) = Server::start();
    let config = aws::Config::keys("AKIAWELKIN", "secret").region("eu-north-1").ca_pem(ca_pem);
    let config = config.endpoint_url_s3(format!("https://{}", server.address));
    let storage = Driver::open_with(config, quick()).unwrap().storage().unwrap();
    run(storage.list_containers()).unwrap();
    until(|| server.tickets.load(SeqCst) == 1);
    // Long enough idle that somebody looks before the next request goes out.
    thread::sleep(ms(1_100));
    run(storage.list_containers()).unwrap();
    assert_eq!(server.connections.load(SeqCst), 1);
}

struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    tickets: Arc<AtomicUsize>,
}

impl Server {
    /// Starts one, and gives the certificate to trust. It ends with the test's process.
    fn start() -> (Server, String) {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let suites = vec![TLS13_AES_256_GCM_SHA384];
        let provider = CryptoProvider { cipher_suites: suites, ..default_provider() };
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![cert.der().clone()],
                PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap(),
            )
            .unwrap();
        config.send_tls13_tickets = 0;
        config.enable_secret_extraction = true;
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, tickets) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let counts = (Arc::clone(&connections), Arc::clone(&tickets));
        thread::spawn(move || {
            for socket in listener.incoming().map_while(io::Result::ok) {
                counts.0.fetch_add(1, SeqCst);
                let (config, tickets) = (Arc::clone(&config), Arc::clone(&counts.1));
                // Its error is the client's leaving.
                thread::spawn(move || serve(socket, config, &tickets));
            }
        });
        (Server { address, connections, tickets }, cert.pem())
    }
}

fn serve(
    mut socket: TcpStream,
    config: Arc<ServerConfig>,
    tickets: &AtomicUsize,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut tls = ServerConnection::new(config).unwrap();
    let mut stream = rustls::Stream::new(&mut tls, &mut socket);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    stream.write_all(ANSWER.as_bytes())?;
    stream.flush()?;
    let mut out = ByHand::take_over(tls);
    // Late is what this is about.
    thread::sleep(ms(50));
    socket.write_all(&out.record(ContentType::Handshake, &ticket()))?;
    tickets.fetch_add(1, SeqCst);
    loop {
        // What a request says does not matter any more, only that it came.
        let mut header = [0; 5];
        socket.read_exact(&mut header)?;
        let size = u16::from_be_bytes([header[3], header[4]]);
        socket.read_exact(&mut vec![0; size.into()])?;
        socket.write_all(&out.record(ContentType::ApplicationData, ANSWER.as_bytes()))?;
    }
}

/// The sending side of a connection, record by record.
struct ByHand {
    encrypter: Box<dyn MessageEncrypter>,
    sequence: u64,
}

impl ByHand {
    fn take_over(tls: ServerConnection) -> ByHand {
        let SupportedCipherSuite::Tls13(suite) = TLS13_AES_256_GCM_SHA384 else {
            panic!("a suite of TLS 1.3");
        };
        let (sequence, secrets) = tls.dangerous_extract_secrets().unwrap().tx;
        let ConnectionTrafficSecrets::Aes256Gcm { key, iv } = secrets else {
            panic!("the only suite");
        };
        ByHand { encrypter: suite.aead_alg.encrypter(key, iv), sequence }
    }

    fn record(&mut self, typ: ContentType, payload: &[u8]) -> Vec<u8> {
        let payload = OutboundChunks::Single(payload);
        let plain = OutboundPlainMessage { typ, version: ProtocolVersion::TLSv1_3, payload };
        let record = self.encrypter.encrypt(plain, self.sequence).unwrap();
        self.sequence += 1;
        record.encode()
    }
}

/// NewSessionTicket: good for an hour, an age to add, a nonce, 32 bytes of ticket, no extensions.
fn ticket() -> Vec<u8> {
    let mut body = vec![0, 0, 14, 16, 1, 2, 3, 4, 1, 0, 0, 32];
    body.extend([7; 32]);
    body.extend([0, 0]);
    [&[4, 0, 0, body.len() as u8], body.as_slice()].concat()
}
