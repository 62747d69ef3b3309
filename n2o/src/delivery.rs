//! Numbered events and counted frames: what has to be known to send again exactly what was lost.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{formatter::Format, limit::Limits};

/// The numbers of one page, and the frames that its client may not have received.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// The last event that was executed.
    pub(crate) last: u64,
    /// Counted frames so far.
    count: u64,
    /// The newest counted frames.
    ring: VecDeque<Bytes>,
    bytes: usize,
    /// The newest answers, which pushes must not crowd out; the same bytes as in the ring.
    answers: VecDeque<(u64, Bytes)>,
    format: Format,
}

impl Delivery {
    pub(crate) fn restored(last: u64, format: Format, answers: Vec<(u64, Vec<u8>)>) -> Self {
        let answers = answers.into_iter().map(|(seq, frame)| (seq, Bytes::from(frame))).collect();
        // The frames have lost their numbers; a count that no client has makes every client start over.
        Delivery { last, count: u64::MAX / 2, answers, format, ..Delivery::default() }
    }

    /// Counts a frame and keeps it for a while.
    pub(crate) fn keep(&mut self, answers: Option<u64>, frame: &Bytes, limits: &Limits) {
        self.count += 1;
        self.bytes += frame.len();
        if let Some(seq) = answers {
            self.answers.push_back((seq, frame.clone()));
            let most = |answers: &VecDeque<(u64, Bytes)>| {
                answers.iter().map(|(_, frame)| frame.len()).sum::<usize>()
            };
            while self.answers.len() > limits.window
                || (self.answers.len() > 1 && most(&self.answers) > limits.ring_bytes)
            {
                self.answers.pop_front();
            }
        }
        self.ring.push_back(frame.clone());
        while self.ring.len() > limits.ring_frames || self.bytes > limits.ring_bytes {
            if let Some(old) = self.ring.pop_front() {
                self.bytes -= old.len();
            }
        }
    }

    /// Forgets what the client has received.
    pub(crate) fn received(&mut self, count: u64) {
        while self.first() <= count && self.first() <= self.count {
            if let Some(old) = self.ring.pop_front() {
                self.bytes -= old.len();
            }
        }
        if self.ring.is_empty() {
            (self.ring, self.answers) = (VecDeque::new(), VecDeque::new());
        }
    }

    /// The number of the oldest frame that is kept.
    fn first(&self) -> u64 {
        self.count + 1 - self.ring.len() as u64
    }

    /// The frames after `count`, when none of them is lost.
    pub(crate) fn after(&self, count: u64, format: Format) -> Option<Vec<Bytes>> {
        let known = (format == self.format || self.ring.is_empty())
            && count <= self.count
            && count + 1 >= self.first();
        known.then(|| self.ring.iter().skip((count + 1 - self.first()) as usize).cloned().collect())
    }

    /// The kept answer to an event, in the format it was given in.
    pub(crate) fn answer(&self, seq: u64, format: Format) -> Option<Bytes> {
        let found = self.answers.iter().find(|(answers, _)| *answers == seq);
        found.filter(|_| format == self.format).map(|(_, frame)| frame.clone())
    }

    /// The answers that a client may still miss once event `seq` has come: at most a window of them.
    pub(crate) fn answers(&self, seq: u64, limits: &Limits) -> Vec<(u64, Vec<u8>)> {
        let since = seq.saturating_sub(limits.window as u64);
        let missed = self.answers.iter().filter(|(answers, _)| *answers > since);
        missed.map(|(answers, frame)| (*answers, frame.to_vec())).collect()
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Changes the format; only right when no frame of the old one is kept.
    pub(crate) fn speak(&mut self, format: Format) {
        self.format = format;
    }

    /// Starts counting anew for a client that has lost track.
    pub(crate) fn start_over(&mut self, format: Format) {
        *self = Delivery { last: self.last, format, ..Delivery::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(frames: u64) -> Delivery {
        let mut delivery = Delivery::default();
        for seq in 1..=frames {
            delivery.keep(Some(seq), &Bytes::from(vec![seq as u8]), &Limits::default());
        }
        delivery
    }

    #[test]
    fn sends_again_what_was_lost() {
        let delivery = delivery(3);
        assert_eq!(delivery.after(1, Format::Cbor), Some(vec![Bytes::from(vec![2]), Bytes::from(vec![3])]));
        assert_eq!(delivery.after(3, Format::Cbor), Some(vec![]));
        assert_eq!(delivery.after(4, Format::Cbor), None, "more than was ever sent");
        assert_eq!(delivery.after(1, Format::Json), None, "kept in another format");
    }

    #[test]
    fn forgets_beyond_its_bounds_and_what_was_received() {
        let mut delivery = delivery(100);
        assert_eq!(delivery.after(35, Format::Cbor), None);
        assert_eq!(delivery.after(36, Format::Cbor).map(|frames| frames.len()), Some(64));
        delivery.received(99);
        assert_eq!(delivery.after(98, Format::Cbor), None);
        assert_eq!(delivery.after(99, Format::Cbor).map(|frames| frames.len()), Some(1));
        delivery.received(1_000);
        assert_eq!(delivery.bytes, 0);
    }

    #[test]
    fn keeps_no_more_bytes_and_answers_than_it_may() {
        let limits = Limits { window: 4, ring_frames: 100, ring_bytes: 100, ..Limits::default() };
        let kept = |len: usize| {
            let mut delivery = Delivery::default();
            (1..=10).for_each(|seq| delivery.keep(Some(seq), &Bytes::from(vec![0; len]), &limits));
            let frames =
                (0..=10).find_map(|count| delivery.after(count, Format::Cbor)).map_or(0, |all| all.len());
            (frames, (1..=10).filter(|seq| delivery.answer(*seq, Format::Cbor).is_some()).count())
        };
        assert_eq!(kept(1), (10, 4), "answers to a window of events");
        assert_eq!(kept(40), (2, 2), "frames and answers within the bytes");
        assert_eq!(kept(500), (0, 1), "the last answer is kept, however long it is");
    }

    #[test]
    fn saves_the_answers_that_a_client_may_miss() {
        let limits = Limits { window: 4, ..Limits::default() };
        let saved = delivery(10).answers(11, &limits);
        assert_eq!(saved.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [8, 9, 10]);
    }

    #[test]
    fn restored_answers_are_found_by_event_only() {
        let delivery = Delivery::restored(7, Format::Cbor, vec![(7, vec![1])]);
        assert_eq!(delivery.after(1, Format::Cbor), None);
        assert_eq!(delivery.answer(7, Format::Cbor), Some(Bytes::from(vec![1])));
        assert_eq!(delivery.answer(6, Format::Cbor), None);
        assert_eq!(delivery.answer(7, Format::Json), None, "kept in another format");
    }
}
