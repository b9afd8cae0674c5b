//! Answers that no kernel should give: an error, never a panic, never a wait without end.
#![expect(
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::convert::Infallible;
use std::io;

use netlink_packet_core::{NetlinkDeserializable, NetlinkHeader, NetlinkSerializable};
use netlink_session::testing::{Answer, Script};
use netlink_session::{DecodeError, Dump, Error, Session, Transport, messages, request};
use proptest::prelude::*;

/// A message of a subsystem that there is not.
#[derive(Clone, Debug, PartialEq)]
struct Text(Vec<u8>);

const TEXT: u16 = 0x7f01;

impl NetlinkSerializable for Text {
    fn message_type(&self) -> u16 {
        TEXT
    }

    fn buffer_len(&self) -> usize {
        self.0.len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.0);
    }
}

impl NetlinkDeserializable for Text {
    type Error = Infallible;

    fn deserialize(_: &NetlinkHeader, payload: &[u8]) -> Result<Self, Infallible> {
        Ok(Self(payload.to_vec()))
    }
}

fn text(text: &str) -> Text {
    Text(text.as_bytes().to_vec())
}

fn question() -> Vec<u8> {
    request(&text("?"), 0).unwrap()
}

fn acknowledge(answer: Answer) -> Result<(), Error> {
    Session::new(Script::new([answer])).acknowledge(&mut question())
}

fn ask(answer: Answer) -> Result<Text, Error> {
    Session::new(Script::new([answer])).ask(&mut question())
}

fn dump(answer: Answer) -> Result<(Dump, Vec<Text>), Error> {
    let mut found = Vec::new();
    let dump = Session::new(Script::new([answer])).dump(&mut question(), |message| {
        found.push(message);
        Ok(())
    })?;
    Ok((dump, found))
}

/// A message to our first request, or to what is not ours.
fn message(kind: u16, sequence: u32, port: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + payload.len()).unwrap();
    [
        &length.to_ne_bytes()[..],
        &kind.to_ne_bytes(),
        &0_u16.to_ne_bytes(),
        &sequence.to_ne_bytes(),
        &port.to_ne_bytes(),
        payload,
    ]
    .concat()
}

fn error(sequence: u32, port: u32, code: i32) -> Vec<u8> {
    message(NLMSG_ERROR, sequence, port, &code.to_ne_bytes())
}

#[test]
fn a_request_says_how_it_is_answered_and_is_numbered() {
    let answers = [
        Answer::ok(),
        Answer::message(text("b")),
        Answer::listing([text("c"), text("d")]),
    ];
    let mut script = Script::new(answers);
    let mut session = Session::new(&mut script);
    let flags = NLM_F_CREATE;
    session
        .acknowledge(&mut request(&text("1"), flags).unwrap())
        .unwrap();
    let answer: Text = session.ask(&mut request(&text("2"), 0).unwrap()).unwrap();
    assert_eq!(answer, text("b"));
    let mut third = request(&text("3"), 0).unwrap();
    // An entry is appended to a request that was made before.
    third.extend(b"...");
    let found = session.dump_whole(&mut third, |message: Text| Ok(Some(message)));
    assert_eq!(found.unwrap(), [text("c"), text("d")]);

    let header = |length: u32, flags: u16, sequence: u32| {
        let fields: [&[u8]; 5] = [
            &length.to_ne_bytes(),
            &TEXT.to_ne_bytes(),
            &flags.to_ne_bytes(),
            &sequence.to_ne_bytes(),
            &[0; 4],
        ];
        fields.concat()
    };
    let expected = [
        [header(17, 0x405, 1), b"1".to_vec()].concat(), // CREATE, ACK, REQUEST
        [header(17, 0x001, 2), b"2".to_vec()].concat(), // REQUEST
        [header(20, 0x301, 3), b"3...".to_vec()].concat(), // DUMP, REQUEST
    ];
    assert_eq!(script.datagrams(), expected);
    let read: Vec<Text> = script.requests();
    assert_eq!(read, [text("1"), text("2"), text("3...")]);
}

#[test]
fn an_answer_to_someone_else_is_passed_over() {
    let foreign = |sequence, port| error(sequence, port, -2);
    let answer = Answer::datagrams([
        foreign(7, Script::PORT),
        foreign(1, Script::PORT + 1),
        foreign(0, Script::PORT),
        Vec::new(),
        // The answer is the second message of its datagram.
        [foreign(9, Script::PORT), error(1, Script::PORT, 0)].concat(),
    ]);
    acknowledge(answer).unwrap();
}

#[test]
fn silence_is_an_error_for_every_question() {
    let silence = || Answer::datagrams([]);
    let lost =
        |error: &Error| matches!(error, Error::Lost(why) if why.kind() == io::ErrorKind::TimedOut);
    let errors = [
        acknowledge(silence()).unwrap_err(),
        ask(silence()).unwrap_err(),
        dump(silence()).unwrap_err(),
        // What is not for us is no answer, and a dump without its end neither.
        acknowledge(Answer::datagrams([error(7, 7, 0)])).unwrap_err(),
        dump(Answer::message(text("a part"))).unwrap_err(),
    ];
    for error in errors {
        assert!(lost(&error) && error.is_outcome_unknown(), "{error:?}");
    }
}

#[test]
fn an_answer_without_end_is_given_up() {
    struct Endless(Vec<u8>, u32);
    impl Transport for Endless {
        fn send(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
        fn receive(&mut self, datagram: &mut Vec<u8>) -> io::Result<()> {
            datagram.clone_from(&self.0);
            self.1 += 1;
            Ok(())
        }
        fn port(&self) -> u32 {
            Script::PORT
        }
    }
    // It makes no sense: skipped for a while, then left to itself.
    let mut nonsense = Endless(message(NLMSG_OVERRUN, 1, Script::PORT, &[]), 0);
    let mut session = Session::new(&mut nonsense);
    let given_up = session.dump(&mut question(), |_: Text| Ok(()));
    assert!(matches!(given_up, Err(Error::Decode(_))), "{given_up:?}");
    assert!(nonsense.1 < 1 << 17, "{}", nonsense.1);
    // It is never for us.
    let mut foreign = Endless(error(9, 9, 0), 0);
    let given_up = Session::new(&mut foreign).acknowledge(&mut question());
    assert!(given_up.unwrap_err().is_outcome_unknown());
}

#[test]
fn an_error_number_is_negative_or_zero() {
    assert!(acknowledge(Answer::error(0)).is_ok());
    let refused = acknowledge(Answer::error(2)).unwrap_err();
    assert_eq!(refused.code(), Some(2));
    assert!(!refused.is_outcome_unknown());
    assert_eq!(
        refused.to_string(),
        "No such file or directory (os error 2)"
    );
    assert_eq!(
        acknowledge(Answer::error(-2)).unwrap_err().to_string(),
        "the answer makes no sense: the error number 2 has the wrong sign"
    );
    let least = acknowledge(Answer::error(i32::MIN)).unwrap_err();
    assert_eq!(least.code(), Some(1 << 31));
    // A dump can be refused at its end.
    let done = message(NLMSG_DONE, 1, Script::PORT, &(-12_i32).to_ne_bytes());
    let refused = dump(Answer::datagrams([done])).unwrap_err();
    assert_eq!(refused.code(), Some(12));
    // And an end that says nothing is one.
    let done = message(NLMSG_DONE, 1, Script::PORT, &[]);
    assert_eq!(dump(Answer::datagrams([done])).unwrap().1, []);
}

#[test]
fn an_answer_of_another_kind_is_an_error() {
    assert!(acknowledge(Answer::message(text("a"))).is_err());
    assert!(acknowledge(Answer::listing([text("a")])).is_err());
    assert!(ask(Answer::ok()).is_err());
    assert!(ask(Answer::listing(Vec::<Text>::new())).is_err());
    assert!(dump(Answer::ok()).is_err());
}

#[test]
fn a_message_cut_short_or_of_length_zero_is_an_error() {
    let whole = error(1, Script::PORT, 0);
    for length in 1..whole.len() {
        let cut = Answer::datagrams([whole[..length].to_vec()]);
        assert!(acknowledge(cut).is_err(), "{length}");
    }
    let mut no_length = whole;
    no_length[..4].fill(0);
    assert!(acknowledge(Answer::datagrams([no_length])).is_err());
}

#[test]
fn a_dump_that_makes_no_sense_is_read_to_its_end() {
    let mut script = Script::new([Answer::listing(["a", "b", "c"].map(text)), Answer::ok()]);
    let mut session = Session::new(&mut script);
    let mut seen = 0;
    let refused = session.dump(&mut question(), |_: Text| {
        seen += 1;
        Err(DecodeError::new("it has no name"))
    });
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the answer makes no sense: it has no name"
    );
    assert_eq!(seen, 1);
    session.acknowledge(&mut question()).unwrap();
}

#[test]
fn a_dump_that_was_interrupted_is_told_and_asked_for_again() {
    let interrupted = || Answer::interrupted([text("a")]);
    let (dumped, found) = dump(interrupted()).unwrap();
    assert_eq!((dumped, found.len()), (Dump::Interrupted, 1));

    let whole = Answer::listing(["a", "b"].map(text));
    let mut script = Script::new([interrupted(), interrupted(), whole]);
    let found =
        Session::new(&mut script).dump_whole(&mut question(), |message: Text| Ok(Some(message)));
    assert_eq!(found.unwrap(), ["a", "b"].map(text));
    assert_eq!(script.datagrams().len(), 3);

    let mut script = Script::new((0..100).map(|_| interrupted()));
    let found =
        Session::new(&mut script).dump_whole(&mut question(), |message: Text| Ok(Some(message)));
    assert!(matches!(found, Err(Error::Interrupted)), "{found:?}");
    assert_eq!(script.datagrams().len(), 5);
}

/// A change whose answer the kernel had no room for may have been made; one that was not sent was
/// not.
#[test]
fn a_lost_answer_leaves_the_outcome_unknown() {
    const ENOBUFS: i32 = 105;
    let lost = acknowledge(Answer::lost(ENOBUFS)).unwrap_err();
    assert!(lost.is_outcome_unknown());
    assert_eq!(lost.to_string(), "No buffer space available (os error 105)");

    for length in [0, 15, 60 * 1024 + 1] {
        let mut script = Script::new([Answer::ok()]);
        let unsent = Session::new(&mut script).acknowledge(&mut vec![0; length]);
        let unsent = unsent.unwrap_err();
        assert!(
            matches!(unsent, Error::Length(of) if of == length),
            "{unsent:?}"
        );
        assert!(!unsent.is_outcome_unknown());
        assert!(script.datagrams().is_empty());
    }
    assert!(request(&Text(vec![0; 60 * 1024]), 0).is_err());
}

#[test]
fn a_datagram_that_was_cut_short_is_an_error_if_it_was_for_us() {
    struct Cut(Vec<Vec<u8>>);
    impl Transport for Cut {
        fn send(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
        fn receive(&mut self, datagram: &mut Vec<u8>) -> io::Result<()> {
            match self.0.pop() {
                Some(whole) if whole.len() > 20 => {
                    *datagram = whole[..20].to_vec();
                    Err(io::ErrorKind::InvalidData.into())
                }
                Some(whole) => {
                    *datagram = whole;
                    Ok(())
                }
                None => Err(io::ErrorKind::TimedOut.into()),
            }
        }
        fn port(&self) -> u32 {
            Script::PORT
        }
    }
    let long = |sequence| message(TEXT, sequence, Script::PORT, &[0; 50]);
    let done = || error(1, Script::PORT, 0);
    // What an NFLOG group sends can come before the answer.
    let mut session = Session::new(Cut(vec![done(), long(0)]));
    session.acknowledge(&mut question()).unwrap();
    let mut session = Session::new(Cut(vec![done(), long(1)]));
    let cut = session.acknowledge(&mut question()).unwrap_err();
    assert!(cut.is_outcome_unknown(), "{cut:?}");
}

proptest! {
    #[test]
    fn any_datagram_is_survived(datagram in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(messages(&datagram).count() <= 200 / 16 + 1);
        let answer = Answer::datagrams([datagram]);
        prop_assert!(acknowledge(answer.clone()).is_err());
        let _ = ask(answer.clone());
        let _ = dump(answer);
    }

    #[test]
    fn a_dump_with_any_byte_changed_is_survived(
        at in 0_usize..80,
        to in any::<u8>(),
        cut in 0_usize..100,
    ) {
        let mut datagram: Vec<u8> = ["abcd", "ef"].map(text).into_iter().flat_map(|text| {
            let mut bytes = message(TEXT, 1, Script::PORT, &text.0);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes
        }).collect();
        datagram.extend(message(NLMSG_DONE, 1, Script::PORT, &[0; 4]));
        if let Some(byte) = datagram.get_mut(at) {
            *byte = to;
        }
        datagram.truncate(cut.max(1));
        if let Ok((_, found)) = dump(Answer::datagrams([datagram])) {
            prop_assert!(found.len() <= 2);
        }
    }
}

// linux/netlink.h
const NLM_F_CREATE: u16 = 0x400;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLMSG_OVERRUN: u16 = 4;
