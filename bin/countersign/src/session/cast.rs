//! One recording, read.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::recording::{Drawing, Event, EventKind, Variant};
use log_store::Files;
use log_store::recordings::{RecordingReader, Stage, path};
use model::display::visible;

/// How often a recording that grows is looked at.
const FOLLOW_EVERY: Duration = Duration::from_millis(100);

pub(super) struct Cast {
    files: Arc<dyn Files>,
    id: String,
    reader: RecordingReader,
    is_growing: bool,
}

impl Cast {
    /// Opens one. Of one that has ended, nothing is shown unless it is the file that the log has the digest of.
    pub(super) fn open(
        files: Arc<dyn Files>,
        id: &str,
        variant: Variant,
        is_growing: bool,
        digest: Option<&str>,
    ) -> Result<Self, String> {
        let reader = log_store::recording_index::open(&files, id, variant, is_growing, digest)?;
        Ok(Self { files, id: id.to_owned(), reader, is_growing })
    }

    /// The next lines; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Vec<String>>, String> {
        let lines = self.reader.lines()?;
        Ok((!lines.is_empty()).then_some(lines))
    }

    /// Replays it at the pace at which it happened.
    pub(super) fn play(mut self, speed: f64, idle: f64) -> Result<ExitCode, String> {
        let mut screen = Screen::new()?;
        let mut before = 0;
        while let Some(lines) = self.next()? {
            for event in lines.iter().filter_map(|line| Event::parse(line)) {
                #[expect(clippy::cast_precision_loss, reason = "a wait on a screen")]
                let wait = (event.micros.saturating_sub(before) as f64 / 1e6).min(idle) / speed;
                before = event.micros;
                std::thread::sleep(Duration::from_secs_f64(wait.clamp(0.0, 3600.0)));
                screen.show(&event)?;
            }
        }
        screen.end(if self.reader.has_ended() { "the end" } else { "cut off here" })
    }

    /// Shows what happens now, until it ends.
    pub(super) fn watch(mut self) -> Result<ExitCode, String> {
        let mut screen = Screen::new()?;
        let mut quiet: Option<Instant> = None;
        loop {
            let lines = self.reader.lines()?;
            lines.iter().filter_map(|line| Event::parse(line)).try_for_each(|event| screen.show(&event))?;
            if self.reader.has_ended() || (lines.is_empty() && !self.is_growing) {
                return screen.end("the end");
            }
            if !lines.is_empty() {
                quiet = None;
                continue;
            }
            // It was renamed when it ended; what was written in between is read from there.
            let open = path(&self.id, Stage::Open);
            let is_open = self.files.read_part(&open, 0, 1).map_err(|why| why.to_string())?.is_some();
            if !is_open {
                if quiet.get_or_insert_with(Instant::now).elapsed() > Duration::from_secs(2) {
                    return screen.end("cut off here");
                }
                self.reader.moved(&path(&self.id, Stage::Whole));
            }
            std::thread::sleep(FOLLOW_EVERY);
        }
    }
}

/// This terminal, which gets what draws and nothing else.
struct Screen {
    drawing: Drawing,
    /// The prefix of our own lines. The recorded program cannot know it, so its output cannot imitate us.
    word: String,
}

impl Screen {
    fn new() -> Result<Self, String> {
        let random = host::clock::random::<4>().map_err(|why| why.to_string())?;
        let word: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("[a recording; what Countersign says in it begins with {word}]");
        Ok(Self { drawing: Drawing::default(), word })
    }

    fn show(&mut self, event: &Event) -> Result<(), String> {
        let text = match event.kind {
            EventKind::Output => self.drawing.push(&event.text),
            EventKind::Marker => format!("\r\n\u{1b}[0;7m {} {} \u{1b}[0m\r\n", self.word, visible(&event.text)),
            EventKind::Input | EventKind::Resize => String::new(),
        };
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|why| why.to_string())
    }

    fn end(self, how: &str) -> Result<ExitCode, String> {
        // Whatever it left behind: the other screen, a colour, a hidden cursor.
        print!("\u{1b}[?1049l\u{1b}[?25h\u{1b}[0m\r\n");
        println!("[{} {how}]", self.word);
        Ok(ExitCode::SUCCESS)
    }
}
