//! WebSocket frames (RFC 6455) on their way to their reader: followed, and the long ones cut into fragments.
//!
//! The reader keeps room for a whole frame, from its head on and long after it. Of fragments it keeps what has
//! come. The cut moves no byte of a payload but by the few of a head: a mask repeats after four bytes, and every
//! fragment but the last has a multiple of that.

/// Bytes of a fragment.
pub(crate) const FRAGMENT: usize = 4096;
/// Most bytes of a frame's head.
pub(crate) const HEAD: usize = 14;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
const OPCODE: u8 = 0x0f;

/// A head that is as yet not whole, or waits to be read.
#[derive(Debug, Default)]
struct Piece {
    bytes: [u8; HEAD],
    len: u8,
}

/// Follows the frames of a connection.
#[derive(Debug)]
pub(crate) struct Frames {
    /// Most bytes of a message; one that is longer is left as it is, for its reader to refuse.
    most: u32,
    /// The beginning of a head, kept back until the rest has come.
    begun: Piece,
    /// A head that was made here and goes to the reader before anything else.
    made: Piece,
    /// Bytes of payload until the next head.
    left: u64,
    /// Bytes of the frame that come in fragments behind these.
    behind: u32,
    /// The first byte of the last fragment's head: final or not.
    last: u8,
    mask: [u8; 4],
    /// The payload is that of a control frame, which belongs to no message.
    control: bool,
    /// A message has begun and its last frame has not.
    open: bool,
    /// Bytes of the data message that is not whole.
    message: u32,
}

/// What was found in some bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Frames that have begun.
    pub(crate) frames: u32,
    /// How many of the bytes go on to the reader; the rest is kept here.
    pub(crate) bytes: usize,
}

impl Frames {
    /// Frames of messages of at most `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        Frames {
            most: u32::try_from(most).unwrap_or(u32::MAX),
            begun: Piece::default(),
            made: Piece::default(),
            left: 0,
            behind: 0,
            last: 0,
            mask: [0; 4],
            control: false,
            open: false,
            message: 0,
        }
    }

    /// Bytes of the message that is not whole.
    pub(crate) fn unfinished(&self) -> usize {
        self.message as usize
    }

    /// Something has begun that is not whole.
    pub(crate) fn is_waiting(&self) -> bool {
        self.open || self.left > 0 || self.behind > 0 || self.begun.len > 0
    }

    /// Most bytes that may be read at once.
    pub(crate) fn room(&self) -> usize {
        if self.begun.len > 0 {
            // The rest of a head alone: what was kept back has to go before what follows it.
            usize::from(self.wanted() - self.begun.len)
        } else if self.behind > 0 {
            usize::try_from(self.left).unwrap_or(FRAGMENT).min(FRAGMENT)
        } else {
            FRAGMENT
        }
    }

    /// Moves a made head into `to`; says how many bytes that were.
    pub(crate) fn take(&mut self, to: &mut [u8]) -> usize {
        let len = usize::from(self.made.len).min(to.len());
        to[..len].copy_from_slice(&self.made.bytes[..len]);
        self.made.bytes.copy_within(len.., 0);
        self.made.len -= u8::try_from(len).unwrap_or(0);
        len
    }

    /// A made head waits to be taken.
    pub(crate) fn has_made(&self) -> bool {
        self.made.len > 0
    }

    /// Follows bytes that were read, of which there may be [`room`](Frames::room), and puts into them what the
    /// reader is to see.
    pub(crate) fn follow(&mut self, bytes: &mut [u8]) -> Found {
        if self.begun.len > 0 {
            return self.resume(bytes);
        }
        let (mut at, mut len, mut frames) = (0, bytes.len(), 0);
        while at < len {
            if self.left > 0 {
                at += self.payload(len - at);
                continue;
            }
            let head = &bytes[at..len];
            let size = usize::from(size(head));
            if head.len() < size {
                self.begun.len = u8::try_from(head.len()).unwrap_or(0);
                self.begun.bytes[..head.len()].copy_from_slice(head);
                len = at;
                break;
            }
            frames += 1;
            let mut whole = Piece { len: u8::try_from(size).unwrap_or(0), ..Piece::default() };
            whole.bytes[..size].copy_from_slice(&head[..size]);
            if !self.head(&mut whole) {
                at += size;
                continue;
            }
            let made = usize::from(whole.len);
            bytes[at..at + made].copy_from_slice(&whole.bytes[..made]);
            bytes.copy_within(at + size..len, at + made);
            len -= size - made;
            at += made;
        }
        Found { frames, bytes: len }
    }

    /// Adds to a head that has begun; when it is whole it goes the way of the made ones.
    fn resume(&mut self, bytes: &[u8]) -> Found {
        let have = usize::from(self.begun.len);
        self.begun.bytes[have..have + bytes.len()].copy_from_slice(bytes);
        self.begun.len += u8::try_from(bytes.len()).unwrap_or(0);
        if self.begun.len < self.wanted() {
            return Found::default();
        }
        let mut whole = std::mem::take(&mut self.begun);
        self.head(&mut whole);
        self.made = whole;
        Found { frames: 1, bytes: 0 }
    }

    fn wanted(&self) -> u8 {
        size(&self.begun.bytes[..usize::from(self.begun.len)])
    }

    /// Reads a head, and makes it that of a first fragment when its frame is long; says whether it is.
    fn head(&mut self, head: &mut Piece) -> bool {
        let bytes = &head.bytes;
        let (first, masked) = (bytes[0], bytes[1] & MASKED != 0);
        let (mask_at, payload) = match bytes[1] & !MASKED {
            126 => (4, u64::from(u16::from_be_bytes([bytes[2], bytes[3]]))),
            127 => {
                let [_, _, length @ .., _, _, _, _] = *bytes;
                (10, u64::from_be_bytes(length))
            }
            length => (2, u64::from(length)),
        };
        (self.left, self.behind) = (payload, 0);
        self.control = first & 0x08 != 0;
        if self.control {
            return false;
        }
        self.open = first & FIN == 0;
        let fits =
            u32::try_from(payload).ok().filter(|payload| self.message.saturating_add(*payload) <= self.most);
        if let Some(long) = fits.filter(|payload| masked && *payload > FRAGMENT as u32) {
            let mask = &bytes[mask_at..mask_at + 4];
            self.mask.copy_from_slice(mask);
            (self.left, self.behind, self.last) = (FRAGMENT as u64, long - FRAGMENT as u32, first & FIN);
            *head = self.fragment(first & !FIN);
            return true;
        }
        if payload == 0 && !self.open {
            self.message = 0;
        }
        false
    }

    /// The head of a fragment with `left` bytes.
    fn fragment(&self, first: u8) -> Piece {
        let mut piece = Piece::default();
        let length = u16::try_from(self.left).unwrap_or(0);
        let mask_at = if length < 126 {
            piece.bytes[1] = MASKED | length.to_be_bytes()[1];
            2
        } else {
            piece.bytes[1] = MASKED | 126;
            piece.bytes[2..4].copy_from_slice(&length.to_be_bytes());
            4
        };
        piece.bytes[0] = first;
        piece.bytes[mask_at..mask_at + 4].copy_from_slice(&self.mask);
        piece.len = if mask_at == 2 { 6 } else { 8 };
        piece
    }

    /// Follows payload; says how many of so many bytes it is.
    fn payload(&mut self, bytes: usize) -> usize {
        let here = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes);
        self.left -= here as u64;
        if self.control {
            return here;
        }
        self.message = self.message.saturating_add(u32::try_from(here).unwrap_or(u32::MAX));
        if self.left == 0 && self.behind > 0 {
            let next = self.behind.min(FRAGMENT as u32);
            (self.left, self.behind) = (next.into(), self.behind - next);
            // An opcode of 0 continues the message.
            self.made = self.fragment(if self.behind == 0 { self.last } else { 0 } & !OPCODE);
        } else if self.left == 0 && !self.open {
            self.message = 0;
        }
        here
    }
}

/// Bytes of a frame's head, as far as they can be told from its beginning.
fn size(head: &[u8]) -> u8 {
    let Some(second) = head.get(1) else { return 2 };
    let length = match second & !MASKED {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    if second & MASKED != 0 { length + 4 } else { length }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MASK: [u8; 4] = [1, 2, 3, 4];

    /// A frame as a client sends it.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match u16::try_from(payload.len()) {
            Ok(len @ 0..126) => bytes.push(MASKED | len.to_be_bytes()[1]),
            Ok(len) => {
                bytes.push(MASKED | 126);
                bytes.extend(len.to_be_bytes());
            }
            Err(_) => {
                bytes.push(MASKED | 127);
                bytes.extend((payload.len() as u64).to_be_bytes());
            }
        }
        bytes.extend(MASK);
        bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        bytes
    }

    /// What a reader sees that reads as many bytes at a time as `reads` say, and the number of frames.
    fn seen(most: usize, sent: &[u8], reads: &[usize]) -> (Vec<u8>, u32, Frames) {
        let (mut frames, mut seen, mut rest, mut count) = (Frames::new(most), Vec::new(), sent, 0);
        let mut reads = reads.iter().copied().cycle();
        while !rest.is_empty() || frames.has_made() {
            let mut space = vec![0; reads.next().expect("a size")];
            if frames.has_made() {
                let len = frames.take(&mut space);
                seen.extend(&space[..len]);
                continue;
            }
            let len = space.len().min(frames.room()).min(rest.len());
            space[..len].copy_from_slice(&rest[..len]);
            rest = &rest[len..];
            let found = frames.follow(&mut space[..len]);
            seen.extend(&space[..found.bytes]);
            count += found.frames;
        }
        (seen, count, frames)
    }

    /// The frames in some bytes: first byte and payload.
    fn parsed(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut frames = Vec::new();
        while !bytes.is_empty() {
            let head = usize::from(size(bytes));
            let len = match bytes[1] & !MASKED {
                126 => usize::from(u16::from_be_bytes([bytes[2], bytes[3]])),
                127 => {
                    usize::try_from(u64::from_be_bytes(bytes[2..10].try_into().expect("8"))).expect("a size")
                }
                len => usize::from(len),
            };
            let payload = &bytes[head..head + len];
            let payload = payload.iter().zip(bytes[head - 4..head].iter().cycle());
            frames.push((bytes[0], payload.map(|(byte, mask)| byte ^ mask).collect()));
            bytes = &bytes[head + len..];
        }
        frames
    }

    /// The messages and control frames in frames, each with its opcode.
    fn messages(frames: &[(u8, Vec<u8>)]) -> Vec<(u8, Vec<u8>)> {
        let (mut messages, mut open) = (Vec::new(), None);
        for (first, payload) in frames {
            let opcode = first & OPCODE;
            if opcode >= 8 {
                messages.push((opcode, payload.clone()));
                continue;
            }
            let (_, message) = open.get_or_insert_with(|| (opcode, Vec::new()));
            message.extend(payload);
            if first & FIN != 0 {
                messages.extend(open.take());
            }
        }
        messages
    }

    fn payload(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at % 251).to_le_bytes()[0]).collect()
    }

    #[test]
    fn short_frames_are_left_as_they_are() {
        let sent = [frame(0x82, &payload(FRAGMENT)), frame(0x89, b"ping"), frame(0x81, b"")].concat();
        let (seen, count, frames) = seen(1 << 20, &sent, &[1024]);
        assert_eq!((seen, count), (sent, 3));
        assert!(!frames.is_waiting() && frames.unfinished() == 0);
    }

    #[test]
    fn a_long_frame_comes_in_fragments() {
        let sent = frame(0x82, &payload(10_000));
        let (seen, count, frames) = seen(1 << 20, &sent, &[1024]);
        let parts: Vec<_> = parsed(&seen).iter().map(|(first, payload)| (*first, payload.len())).collect();
        assert_eq!(parts, [(0x02, 4096), (0x00, 4096), (0x80, 1808)]);
        assert_eq!((messages(&parsed(&seen)), count), (vec![(2, payload(10_000))], 1));
        assert!(!frames.is_waiting() && frames.unfinished() == 0);
    }

    #[test]
    fn a_message_that_is_too_long_is_left_for_its_reader_to_refuse() {
        let begun = frame(0x02, &payload(6_000));
        let long = frame(0x80, &payload(6_000));
        let (seen, ..) = seen(10_000, &[begun.clone(), long.clone()].concat(), &[1024]);
        assert!(seen.ends_with(&long), "of 12,000 bytes");
        let huge = [0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4];
        assert_eq!(super::tests::seen(10_000, &huge, &[1024]).0, huge);
    }

    #[test]
    fn what_is_unfinished_is_known() {
        let sent = frame(0x02, &payload(10_000));
        for (bytes, unfinished, waits) in [(0, 0, false), (1, 0, true), (8, 0, true), (5_008, 5_000, true)] {
            let frames = seen(1 << 20, &sent[..bytes], &[1024]).2;
            assert_eq!((frames.unfinished(), frames.is_waiting()), (unfinished, waits), "{bytes}");
        }
        let open = [sent, frame(0x89, &payload(100))].concat();
        let frames = seen(1 << 20, &open, &[1024]).2;
        assert_eq!((frames.unfinished(), frames.is_waiting()), (10_000, true), "its last frame has not come");
        let done = [open, frame(0x80, b"")].concat();
        let frames = seen(1 << 20, &done, &[1024]).2;
        assert_eq!((frames.unfinished(), frames.is_waiting()), (0, false));
    }

    proptest! {
        #[test]
        fn the_reader_sees_the_same_messages_however_the_bytes_come(
            sent in prop::collection::vec(
                (any::<bool>(), any::<bool>(), prop_oneof![0..200_usize, 3_900..4_200_usize, 8_000..70_000_usize]),
                1..8,
            ),
            reads in prop::collection::vec(1..1500_usize, 1..6),
        ) {
            let (mut bytes, mut open) = (Vec::new(), false);
            for (fin, ping, len) in sent {
                let opcode = if open { 0 } else { 2 };
                bytes.extend(frame(if fin { FIN | opcode } else { opcode }, &payload(len)));
                open = !fin;
                if ping {
                    bytes.extend(frame(0x89, &payload(len.min(125))));
                }
            }
            let (seen, _, frames) = seen(usize::MAX, &bytes, &reads);
            prop_assert_eq!(messages(&parsed(&seen)), messages(&parsed(&bytes)));
            prop_assert!(parsed(&seen).iter().all(|(_, payload)| payload.len() <= FRAGMENT));
            prop_assert_eq!(frames.is_waiting(), open);
        }
    }
}
