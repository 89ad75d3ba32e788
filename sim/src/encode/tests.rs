use std::fs::File;

use hodoscope_program::{
    Encoding, ExactF64, Field, FieldOverflow, Input, InputId, Live, Program, Set, SetId, WordRef,
};
use ndarray::{Array2, Array3, array};
use ndarray_npy::NpzWriter;
use tempfile::TempDir;

use super::Events;
use crate::npz::Npz;

fn field(name: &str, lsb: f64, minimum: i64, maximum: i64) -> Field {
    Field {
        name: name.to_owned(),
        unit: String::new(),
        lsb: ExactF64(lsb),
        minimum,
        maximum,
        overflow: FieldOverflow::Saturate,
        empty: 0,
        encoding: Encoding::Nearest,
    }
}

/// A fixed input `met` (unsigned, 16 bits stored) and a set input `p` of (pT, φ).
fn program(live: impl Fn(WordRef) -> Live) -> Program {
    let pt = WordRef {
        input: InputId::new(1),
        channel: 0,
    };
    let mut phi = field("phi", 0.1, -31, 31);
    phi.overflow = FieldOverflow::Wrap;
    Program {
        name: "test".to_owned(),
        sets: vec![Set {
            name: "p".to_owned(),
            capacity: 2,
            live: live(pt),
            order: None,
        }],
        inputs: vec![
            Input {
                name: "met".to_owned(),
                set: None,
                channels: 2,
                fields: vec![field("met", 1.0, 0, 1000)],
            },
            Input {
                name: "p".to_owned(),
                set: Some(SetId::new(0)),
                channels: 2,
                fields: vec![field("pt", 0.5, 0, 100), phi],
            },
        ],
        constants: vec![],
        values: vec![],
        outputs: vec![],
    }
}

fn above(word: WordRef) -> Live {
    Live::Above { word, threshold: 0 }
}

fn npz(fill: impl FnOnce(&mut NpzWriter<File>)) -> Npz {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("x.npz");
    let mut writer = NpzWriter::new(File::create(&path).unwrap());
    fill(&mut writer);
    writer.finish().unwrap();
    Npz::read(&path).unwrap()
}

fn message(program: &Program, npz: &Npz) -> String {
    let error = Events::from_npz(program, npz).unwrap_err().to_string();
    error.replace(&npz.path().display().to_string(), "X")
}

#[test]
fn floats_become_words_and_a_payload() {
    let program = program(above);
    let npz = npz(|npz| {
        npz.add_array("met", &array![[3.4f32, 3.5], [2000.0, -1.0]])
            .unwrap();
        // Event 0: a hole, then a constituent, then padding. Event 1: a soft one is lost.
        let p = array![
            [[10.0f32, 1.0], [0.0, 2.0], [1.0, 3.16], [0.0, 0.0]],
            [[60.0, -0.1], [0.2, 0.3], [0.0, 0.0], [0.0, 0.0]],
        ];
        npz.add_array("p", &p).unwrap();
    });
    let events = Events::from_npz(&program, &npz).unwrap();
    let (met, p) = (InputId::new(0), InputId::new(1));
    assert_eq!(events.len(), 2);
    assert_eq!(events.words(0, met), [3, 4]);
    assert_eq!(events.words(1, met), [1000, 0]);
    assert_eq!(events.words(0, p), [20, 10, 0, 20, 2, -31]);
    assert_eq!(events.words(1, p), [100, -1]);
    assert_eq!((events.rows(0, p), events.rows(1, p)), (3, 1));
    assert_eq!(events.live_slots(&program, 0, SetId::new(0)), [0, 2]);
    assert_eq!(events.payload(0), [3, 0, 4, 0, 20, 10, 0, 20, 2, 0xe1]);
    assert_eq!(events.payload(1), [0xe8, 3, 0, 0, 100, 0xff]);

    let report = events.report();
    assert_eq!(
        (report.inputs[0].values, report.inputs[0].saturated),
        (4, 2)
    );
    assert_eq!(
        (report.inputs[1].values, report.inputs[1].saturated),
        (6, 1)
    );
    let set = &report.sets[0];
    assert_eq!(
        (set.constituents, set.lost, set.events_with_loss),
        (3, 1, 1)
    );
    assert_eq!((set.largest_multiplicity, set.beyond_capacity), (2, 0));
}

#[test]
fn integers_are_words_already() {
    let program = program(above);
    let npz = npz(|npz| {
        npz.add_array("met", &array![[3i32, 5000]]).unwrap();
        npz.add_array("p", &array![[[7i16, -3], [1, 1], [2, 2], [0, 9]]])
            .unwrap();
    });
    let events = Events::from_npz(&program, &npz).unwrap();
    assert_eq!(events.words(0, InputId::new(0)), [3, 1000]);
    assert_eq!(events.words(0, InputId::new(1)), [7, -3, 1, 1, 2, 2]);
    let set = &events.report().sets[0];
    assert_eq!((set.constituents, set.beyond_capacity, set.lost), (3, 1, 0));
    assert_eq!(events.report().saturated(), 1);
}

#[test]
fn a_count_ends_the_event() {
    let program = program(|_| Live::Always);
    let mut p = Array3::<f32>::ones((2, 3, 2));
    p[[1, 2, 0]] = f32::NAN; // beyond the count: never read
    let npz = npz(|npz| {
        npz.add_array("met", &Array2::<f32>::zeros((2, 2))).unwrap();
        npz.add_array("p", &p).unwrap();
        npz.add_array("p.count", &array![3i64, 0]).unwrap();
    });
    let events = Events::from_npz(&program, &npz).unwrap();
    assert_eq!(events.rows(0, InputId::new(1)), 3);
    assert_eq!(events.rows(1, InputId::new(1)), 0);
    assert_eq!(events.payload(1), [0, 0, 0, 0]);
}

#[test]
fn errors_name_the_array() {
    let program = program(above);
    let met = Array2::<f32>::zeros((2, 2));
    let missing = npz(|npz| npz.add_array("met", &met).unwrap());
    assert_eq!(
        message(&program, &missing),
        "X: no array `p`; the archive holds `met`"
    );

    let shape = npz(|npz| {
        npz.add_array("met", &met).unwrap();
        npz.add_array("p", &Array3::<f32>::zeros((2, 4, 3)))
            .unwrap();
    });
    assert_eq!(
        message(&program, &shape),
        "X: array `p` has shape (2, 4, 3); expected (events, slots, 2)"
    );

    let events = npz(|npz| {
        npz.add_array("met", &met).unwrap();
        npz.add_array("p", &Array3::<f32>::zeros((3, 4, 2)))
            .unwrap();
    });
    assert_eq!(
        message(&program, &events),
        "X: `met` has 2 events, `p` has 3"
    );

    let empty = npz(|npz| npz.add_array("met", &Array2::<f32>::zeros((0, 2))).unwrap());
    assert_eq!(
        message(&program, &empty),
        "X: array `met` holds zero events (shape (0, 2))"
    );

    let mut nan = Array3::<f32>::ones((2, 4, 2));
    nan[[1, 2, 1]] = f32::INFINITY;
    let nan = npz(|npz| {
        npz.add_array("met", &met).unwrap();
        npz.add_array("p", &nan).unwrap();
    });
    assert_eq!(
        message(&program, &nan),
        "X: array `p`, event 1, element 5: inf is not a finite number"
    );

    let count = npz(|npz| {
        npz.add_array("met", &met).unwrap();
        npz.add_array("p", &Array3::<f32>::zeros((2, 4, 2)))
            .unwrap();
        npz.add_array("p.count", &array![4i32, 5]).unwrap();
    });
    assert_eq!(
        message(&program, &count),
        "X: array `p.count`, event 1: 5 constituents in 4 slots"
    );
}

#[test]
fn synthetic_events_have_their_multiplicity() {
    let lives: [fn(WordRef) -> Live; 4] = [
        |word| Live::Above {
            word,
            threshold: 60,
        },
        |word| Live::NotEqual { word, empty: 100 },
        |word| Live::NotEmpty { input: word.input },
        |_| Live::Always,
    ];
    for live in lives {
        let program = program(live);
        let multiplicities: Vec<usize> = (0..=40).collect();
        let events = Events::synthetic(&program, &multiplicities, 5);
        assert_eq!(events.len(), 41);
        for (event, &multiplicity) in multiplicities.iter().enumerate() {
            let p = InputId::new(1);
            assert_eq!(events.rows(event, p), multiplicity);
            assert_eq!(events.event(event).inputs[1].len(), 2 * multiplicity);
            for row in events.words(event, p).chunks(2) {
                let alive = match program.sets[0].live {
                    Live::Always => true,
                    Live::NotEmpty { .. } => {
                        let fields = &program.inputs[1];
                        (0..2).any(|channel| row[channel] != fields.field(channel).empty)
                    }
                    Live::Above { threshold, .. } => row[0] > threshold,
                    Live::NotEqual { empty, .. } => row[0] != empty,
                };
                assert!(alive && (0..=100).contains(&row[0]) && (-31..=31).contains(&row[1]));
            }
        }
        assert_eq!(events, Events::synthetic(&program, &multiplicities, 5));
        assert_ne!(events, Events::synthetic(&program, &multiplicities, 6));
    }
}

/// `met`, and constituents of two events: rows one after the other, around them what is nobody's.
fn jagged(offsets: &[i64], rows: Vec<f32>) -> Result<Npz, crate::npz::NpzError> {
    use crate::npz::Values;
    let mut npz = Npz::named("X".as_ref());
    npz.put("met", "<f4", &[2, 2], Values::Single(vec![1.0; 4]))?;
    npz.put_jagged(
        "p",
        "<f4",
        &[rows.len() / 2, 2],
        Values::Single(rows),
        offsets,
    )?;
    Ok(npz)
}

#[test]
fn rows_of_different_numbers_are_those_of_padded_slots() {
    let program = program(above);
    let rows = vec![
        7.0f32, 7.0, 10.0, 1.0, 0.0, 2.0, 1.0, 3.16, 60.0, -0.1, 0.2, 0.3, 9.0, 9.0,
    ];
    let jagged = jagged(&[1, 4, 6], rows).unwrap();
    let padded = npz(|npz| {
        npz.add_array("met", &Array2::<f32>::ones((2, 2))).unwrap();
        let p = array![
            [[10.0f32, 1.0], [0.0, 2.0], [1.0, 3.16]],
            [[60.0, -0.1], [0.2, 0.3], [0.0, 0.0]],
        ];
        npz.add_array("p", &p).unwrap();
        npz.add_array("p.count", &array![3i64, 2]).unwrap();
    });
    let events = Events::from_npz(&program, &jagged).unwrap();
    assert_eq!(events, Events::from_npz(&program, &padded).unwrap());
    assert_eq!(events.words(0, InputId::new(1)), [20, 10, 0, 20, 2, -31]);
    let array = jagged.array("p").unwrap();
    assert_eq!(array.values(), padded.array("p").unwrap().values());
    let (short, beyond) = jagged.jagged("p").unwrap().padded_to(2);
    assert_eq!((short.shape(), beyond), (&[2, 2, 2][..], 1));
}

#[test]
fn rows_that_make_no_events_are_told() {
    let program = program(above);
    let rows = || vec![1.0f32; 8];
    let told = |offsets: &[i64]| jagged(offsets, rows()).unwrap_err().to_string();
    assert!(told(&[]).contains("n events have n + 1 offsets"));
    assert!(told(&[0]).contains("zero events"));
    assert!(told(&[0, 3, 2]).contains("offset 2 of event 2"));
    assert!(told(&[-1, 3, 4]).contains("offset -1 of event 0"));
    assert!(told(&[0, 3, 5]).contains("offset 5 of event 2"));
    let mut infinite = rows();
    infinite[7] = f32::INFINITY;
    // The fourth row is the second event's second.
    let message = message(&program, &jagged(&[0, 2, 4], infinite).unwrap());
    assert_eq!(
        message,
        "X: array `p`, event 1, element 3: inf is not a finite number"
    );
}
