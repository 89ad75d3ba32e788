//! The wire form of every message, and what the decoder does with damaged bytes.

use hodoscope_wire::{
    Chunk, Counters, Decoder, FrameError, Health, Identity, MENU_FRAME, MENU_PART, MenuPart,
    MenuRefusal, MenuReply, MenuTaken, NoMenu, Part, REPLY_FRAME, Reason, Reply, Request,
    RequestWith, Reset, VERSION, chunk, encode, frame_len,
};
use proptest::prelude::*;

fn frame<T: serde::Serialize>(message: &T) -> Vec<u8> {
    let mut buffer = [0; 4096];
    encode(message, &mut buffer)
        .expect("4 KiB hold it")
        .to_vec()
}

fn requests() -> Vec<Request<'static>> {
    vec![
        Request::Hello { token: 300 },
        Request::Begin {
            epoch: 0x0102_0304,
            decision: Some((1, -300)),
        },
        Request::Begin {
            epoch: 0,
            decision: None,
        },
        Request::Configure {
            output: 1,
            threshold: -300,
        },
        Request::Event {
            epoch: 0x0102_0304,
            sequence: 70_000,
            payload: &[0, 1, 0, 0, 255],
        },
        Request::Trace {
            id: u32::MAX,
            payload: &[],
        },
        Request::Counters,
        Request::Reset,
        Request::Shutdown,
        Request::Menu(MenuPart {
            epoch: 0x0102_0304,
            at: 5000,
            total: 200,
            offset: 64,
            part: &[1, 0, 7],
        }),
    ]
}

fn replies() -> Vec<Reply<'static>> {
    let mut counters = Counters {
        epoch: 0xa0b0_c0d0,
        next: 4,
        events: 3,
        accepted: 1,
        refused: 2,
        unreadable: 1,
        wrong: 1,
        duplicates: 5,
        ahead: 6,
        strangers: 7,
        largest_ticks: 1234,
        ticks: 5_000_000_000,
        passes: 17,
        vouched: 3,
        repairs: 1,
        ..Counters::default()
    };
    counters.multiplicity[64] = 3;
    vec![
        Reply::Identity(Identity {
            protocol: VERSION,
            name: "pfn-qg",
            app: "mps2",
            board: "mps2-an386",
            version: "0.1.0",
            program: core::array::from_fn(|i| i as u8),
            raws: 2,
            capacity: 32,
            payload: 400,
            credit: 8,
            epoch: 0xa0b0_c0d0,
            token: 300,
            ticks_per_second: 25_000_000,
            trace: true,
            overflow_checks: false,
            health: Health::Damaged(Part::Constants),
            reset: Reset::Watchdog,
        }),
        Reply::Done,
        Reply::Layer {
            id: 1,
            value: 12,
            row: 31,
            offset: 32,
            raws: chunk(&[0, -1, 1, i64::MIN, i64::MAX]),
        },
        Reply::Raws {
            epoch: 0xa0b0_c0d0,
            sequence: 2,
            offset: 0,
            raws: chunk(&[-128; 32]),
        },
        Reply::Answer {
            epoch: 0xa0b0_c0d0,
            sequence: 3,
            accept: true,
            ticks: 100,
            credit: 8,
            offset: 0,
            raws: chunk(&[-77]),
        },
        Reply::Refused {
            epoch: 0,
            sequence: Some(4),
            reason: Reason::Length {
                got: 5,
                fixed: 2,
                row: 4,
            },
        },
        Reply::Refused {
            epoch: 0,
            sequence: None,
            reason: Reason::Frame(FrameError::Version(9)),
        },
        Reply::Refused {
            epoch: 0,
            sequence: Some(5),
            reason: Reason::NoTrace,
        },
        Reply::Refused {
            epoch: 0,
            sequence: None,
            reason: Reason::NoOutput { output: 7, raws: 2 },
        },
        Reply::Refused {
            epoch: 0xa0b0_c0d0,
            sequence: Some(9),
            reason: Reason::OtherRun,
        },
        Reply::Refused {
            epoch: 0xa0b0_c0d0,
            sequence: Some(9),
            reason: Reason::Ahead { expected: 8 },
        },
        Reply::Refused {
            epoch: 0xa0b0_c0d0,
            sequence: Some(9),
            reason: Reason::Forgotten,
        },
        Reply::Counters(counters),
        Reply::Log(&[1, 0, 2]),
        Reply::Begun {
            epoch: 0xa0b0_c0d0,
            output: 1,
            threshold: -300,
        },
        Reply::Refused {
            epoch: 1,
            sequence: None,
            reason: Reason::HasMenu,
        },
        Reply::Refused {
            epoch: 0xa0b0_c0d0,
            sequence: Some(9),
            reason: Reason::Damaged(Part::Code),
        },
        Reply::Menu(MenuTaken {
            epoch: 0xa0b0_c0d0,
            at: 5000,
            taken: Ok((200, 0x0102_0304)),
        }),
        Reply::Menu(MenuTaken {
            epoch: 0xa0b0_c0d0,
            at: 5000,
            taken: Err(MenuRefusal::Gap { expected: 64 }),
        }),
    ]
}

/// A change here is a change of the protocol: raise `VERSION`, then bless with
/// `INSTA_UPDATE=always`.
#[test]
fn wire_form() {
    fn line(message: &impl core::fmt::Debug, frame: &[u8]) -> String {
        let hex: Vec<String> = frame.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{message:?}\n    {}\n", hex.join(" "))
    }
    let mut text = format!("protocol {VERSION}\n\n");
    for request in requests() {
        text += &line(&request, &frame(&request));
    }
    text.push('\n');
    for reply in replies() {
        text += &line(&reply, &frame(&reply));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn every_message_comes_back() {
    let bytes: Vec<u8> = requests().iter().flat_map(frame).collect();
    let mut decoder = Decoder::<64>::new();
    let mut bytes = &*bytes;
    for request in requests() {
        assert_eq!(decoder.feed(&mut bytes), Some(Ok(request)));
    }
    assert_eq!(decoder.feed::<Request>(&mut bytes), None);

    let bytes: Vec<u8> = replies().iter().flat_map(frame).collect();
    let mut decoder = Decoder::<REPLY_FRAME>::new();
    let mut bytes = &*bytes;
    for reply in replies() {
        assert_eq!(decoder.feed(&mut bytes), Some(Ok(reply)));
    }
    assert_eq!(decoder.feed::<Reply>(&mut bytes), None);
    assert_eq!(decoder.rejected(), 0);
}

#[test]
fn a_menu_is_a_message_of_firmware_that_has_one() {
    for taken in [
        Ok((64, 0)),
        Ok((200, u32::MAX)),
        Err(MenuRefusal::Late { next: 7 }),
        Err(MenuRefusal::Code),
    ] {
        let taken = MenuTaken {
            epoch: 9,
            at: 8,
            taken,
        };
        assert_eq!(frame(&MenuReply(taken)), frame(&Reply::Menu(taken)));
    }
    let part = MenuPart {
        epoch: u32::MAX,
        at: u32::MAX,
        total: u16::MAX,
        offset: u16::MAX,
        part: &[0xff; MENU_PART],
    };
    let bytes = frame(&Request::Menu(part));
    assert!(bytes.len() <= MENU_FRAME);
    let mut decoder = Decoder::<MENU_FRAME>::new();
    assert_eq!(decoder.feed(&mut &*bytes), Some(Ok(Request::Menu(part))));
    let none = decoder.feed::<RequestWith<'_, NoMenu>>(&mut &*bytes);
    assert_eq!(none, Some(Err(FrameError::Message)));
    // All others are the same.
    let bytes = frame(&Request::Counters);
    let same = decoder.feed::<RequestWith<'_, NoMenu>>(&mut &*bytes);
    assert_eq!(same, Some(Ok(RequestWith::Counters)));
}

#[test]
fn the_largest_replies_fit() {
    let full: Chunk = chunk(&[i64::MIN; 64]);
    let (id, offset, ticks) = (u32::MAX, u32::MAX, u32::MAX);
    let (epoch, sequence, credit) = (u32::MAX, u32::MAX, u8::MAX);
    let largest = [
        Reply::Layer {
            id,
            value: u16::MAX,
            row: u16::MAX,
            offset,
            raws: full.clone(),
        },
        Reply::Answer {
            epoch,
            sequence,
            accept: true,
            ticks,
            credit,
            offset,
            raws: full,
        },
        Reply::Counters(Counters {
            epoch: u32::MAX,
            next: u32::MAX,
            events: u32::MAX,
            accepted: u32::MAX,
            refused: u32::MAX,
            unreadable: u32::MAX,
            wrong: u32::MAX,
            duplicates: u32::MAX,
            ahead: u32::MAX,
            strangers: u32::MAX,
            largest_ticks: u32::MAX,
            ticks: u64::MAX,
            passes: u32::MAX,
            vouched: u32::MAX,
            repairs: u32::MAX,
            multiplicity: [u32::MAX; 65],
        }),
    ];
    for reply in &largest {
        assert!(encode(reply, &mut [0; REPLY_FRAME]).is_ok(), "{reply:?}");
    }
}

#[test]
fn a_short_buffer_is_refused() {
    let request = Request::Event {
        epoch: 0,
        sequence: 1,
        payload: &[3; 300],
    };
    let len = frame(&request).len();
    assert!(len <= frame_len(300 + 8));
    for short in 0..len {
        assert!(encode(&request, &mut vec![0; short]).is_err(), "{short}");
    }
    assert!(encode(&request, &mut vec![0; len]).is_ok());
}

/// Every single flipped bit of every message: what remains is refused, never another message.
#[test]
fn a_flipped_bit_is_refused() {
    let frames = requests()
        .into_iter()
        .map(|request| frame(&request))
        .chain(replies().into_iter().map(|reply| frame(&reply)));
    for sound in frames {
        for bit in 0..8 * (sound.len() - 1) {
            let mut bytes = sound.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut bytes = &*bytes;
            let mut decoder = Decoder::<REPLY_FRAME>::new();
            while let Some(result) = decoder.feed::<Request>(&mut bytes) {
                assert!(result.is_err(), "bit {bit} of {sound:02x?}");
            }
            assert!(decoder.rejected() > 0, "bit {bit} of {sound:02x?}");
        }
    }
}

#[test]
fn a_long_frame_is_counted_and_skipped() {
    let long = frame(&Request::Event {
        epoch: 0,
        sequence: 1,
        payload: &[9; 100],
    });
    let mut bytes = long;
    bytes.extend(frame(&Request::Hello { token: 1 }));
    let mut decoder = Decoder::<32>::new();
    let mut bytes = &*bytes;
    assert_eq!(
        decoder.feed::<Request>(&mut bytes),
        Some(Err(FrameError::TooLong))
    );
    assert_eq!(
        decoder.feed(&mut bytes),
        Some(Ok(Request::Hello { token: 1 }))
    );
    assert_eq!(decoder.rejected(), 1);
}

#[test]
fn another_version_is_refused_by_name() {
    // The frame of Hello, made by hand with the version of a later protocol.
    let mut plain = vec![VERSION + 1, 0];
    let sum = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI).checksum(&plain);
    plain.extend(sum.to_le_bytes());
    let mut bytes = [0; 16];
    let len = cobs::encode(&plain, &mut bytes);
    assert_eq!(
        Decoder::<16>::new().feed::<Request>(&mut &bytes[..=len]),
        Some(Err(FrameError::Version(VERSION + 1)))
    );
}

fn raws() -> impl Strategy<Value = Chunk> {
    prop::collection::vec(any::<i64>(), 0..32).prop_map(|raws| chunk(&raws))
}

proptest! {
    #[test]
    fn events_round_trip(
        events in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 0..600)), 1..5),
        step in 1usize..700,
    ) {
        let stream: Vec<u8> = events
            .iter()
            .flat_map(|(id, payload)| frame(&Request::Event { epoch: *id, sequence: *id, payload }))
            .collect();
        prop_assert!(stream.iter().filter(|&&byte| byte == 0).count() == events.len());
        let mut decoder = Decoder::<{ frame_len(610) }>::new();
        let mut seen = Vec::new();
        for mut part in stream.chunks(step) {
            while let Some(request) = decoder.feed::<Request>(&mut part) {
                let Ok(Request::Event { sequence: id, payload, .. }) = request else {
                    return Err(TestCaseError::fail(format!("{request:?}")));
                };
                seen.push((id, payload.to_vec()));
            }
        }
        prop_assert_eq!(seen, events);
    }

    #[test]
    fn answers_round_trip(epoch: u32, sequence: u32, accept: bool, ticks: u32, credit: u8, offset: u32, raws in raws()) {
        let reply = Reply::Answer { epoch, sequence, accept, ticks, credit, offset, raws };
        let bytes = frame(&reply);
        let mut decoder = Decoder::<REPLY_FRAME>::new();
        prop_assert_eq!(decoder.feed(&mut &*bytes), Some(Ok(reply)));
    }

    #[test]
    fn noise_is_never_a_message(noise in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut decoder = Decoder::<100>::new();
        let mut bytes = &*noise;
        while let Some(result) = decoder.feed::<Request>(&mut bytes) {
            prop_assert!(result.is_err());
        }
        prop_assert!(bytes.is_empty());
    }

    /// Frames whose check sum is right and whose message is arbitrary.
    #[test]
    fn sound_frames_of_nonsense_never_panic(message in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut plain = vec![VERSION];
        plain.extend(message);
        let sum = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI).checksum(&plain);
        plain.extend(sum.to_le_bytes());
        let bytes = [cobs::encode_vec(&plain), vec![0]].concat();
        let mut decoder = Decoder::<128>::new();
        let _ = decoder.feed::<Reply>(&mut &*bytes);
        let _ = decoder.feed::<Request>(&mut &*bytes);
    }

    #[test]
    fn frames_are_found_behind_noise(noise in prop::collection::vec(any::<u8>(), 0..300), id: u32) {
        let request = Request::Event { epoch: id, sequence: id, payload: &[1, 2, 3] };
        let mut bytes = noise;
        bytes.push(0);
        bytes.extend(frame(&request));
        let mut decoder = Decoder::<64>::new();
        let mut bytes = &*bytes;
        let mut last = None;
        while let Some(result) = decoder.feed::<Request>(&mut bytes) {
            last = Some(result.is_ok_and(|seen| seen == request));
        }
        prop_assert_eq!(last, Some(true));
    }

    /// One or two flipped bits anywhere in a stream cost at most the frames that they touch.
    #[test]
    fn damage_stays_local(bit in 0usize..8 * 23, other in 0usize..8 * 23) {
        let middle = frame(&Request::Event { epoch: 0, sequence: 5, payload: &[7, 0, 7, 0, 0, 1, 2, 3, 4, 5] });
        prop_assert!(middle.len() == 24);
        let mut damaged = middle;
        damaged[bit / 8] ^= 1 << (bit % 8);
        if bit != other {
            damaged[other / 8] ^= 1 << (other % 8);
        }
        let first = frame(&Request::Counters);
        let last = frame(&Request::Hello { token: 1 });
        let bytes = [first, damaged, last].concat();
        let mut bytes = &*bytes;
        let mut decoder = Decoder::<64>::new();
        let mut seen = Vec::new();
        while let Some(result) = decoder.feed::<Request>(&mut bytes) {
            if let Ok(request) = result {
                seen.push(matches!(request, Request::Counters | Request::Hello { token: 1 }));
            }
        }
        prop_assert_eq!(seen, vec![true, true]);
    }
}
