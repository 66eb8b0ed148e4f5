//! Text encodings: the names that files and people give them, and a reader that turns one into UTF-8. It decides from
//! bytes and labels alone.

use super::error::{ReadError, refuse};
use encoding_rs::{CoderResult, Decoder, Encoding, GB18030, UTF_8};
use std::io::{self, Read};

/// The encoding of a label as people, .cpg files and code-page tables write it. Everything of the GB family is read as
/// GB18030, which holds GBK and GB 2312 whole; a file that calls itself GB 2312 often has characters of GBK.
pub(crate) fn by_label(label: &str) -> Option<&'static Encoding> {
    let label = label.trim().trim_start_matches('\u{FEFF}');
    let plain: String = label.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match plain.trim_start_matches("ansi").trim_start_matches("oem") {
        "gbk" | "gb2312" | "gb18030" | "936" | "cp936" | "euccn" | "54936" | "windows936" | "ms936" => Some(GB18030),
        "utf8" | "65001" | "cp65001" => Some(UTF_8),
        "big5" | "950" | "cp950" => Some(encoding_rs::BIG5),
        "932" | "cp932" | "sjis" | "shiftjis" => Some(encoding_rs::SHIFT_JIS),
        "949" | "cp949" | "euckr" => Some(encoding_rs::EUC_KR),
        "eucjp" => Some(encoding_rs::EUC_JP),
        "koi8r" => Some(encoding_rs::KOI8_R),
        "874" | "cp874" => Some(encoding_rs::WINDOWS_874),
        "utf16" => Some(encoding_rs::UTF_16LE),
        "88591" => Some(encoding_rs::WINDOWS_1252),
        digits if digits.len() == 4 && digits.starts_with("125") => {
            Encoding::for_label(format!("windows-{digits}").as_bytes())
        }
        digits if digits.starts_with("8859") && digits.len() > 4 => {
            Encoding::for_label(format!("iso-8859-{}", &digits[4..]).as_bytes())
        }
        _ => Encoding::for_label(label.as_bytes()),
    }
}

/// How well bytes fit the two encodings that matter here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// Pieces with bytes above ASCII.
    pieces: u64,
    /// Of these, pieces that are not UTF-8.
    not_utf8: u64,
    /// Of these, pieces that are not GB18030 either.
    neither: u64,
    /// Characters of two bytes in the rest that Chinese text is made of, and others.
    common: u64,
    rare: u64,
}

impl Evidence {
    /// Looks at one piece of text. A character cut off at the end is no fault: fields of a .dbf have a fixed width, and
    /// writers cut through characters.
    pub fn see(&mut self, bytes: &[u8]) {
        if bytes.is_ascii() {
            return;
        }
        self.pieces += 1;
        match std::str::from_utf8(bytes) {
            Err(error) if error.error_len().is_some() => self.not_utf8 += 1,
            _ => return,
        }
        let whole = |end: usize| GB18030.decode_without_bom_handling_and_without_replacement(&bytes[..end]).is_some();
        if !(0..=3.min(bytes.len() - 1)).any(|cut| whole(bytes.len() - cut)) {
            self.neither += 1;
            return;
        }
        let mut at = 0;
        while at + 1 < bytes.len() {
            if bytes[at].is_ascii() {
                at += 1;
                continue;
            }
            // GB 2312: signs in its rows 1 to 3, Chinese from row 16 on. Text in Big5, Shift_JIS or a European encoding passes
            // for GB18030 too, but half of it and more falls outside.
            let common = bytes[at + 1] >= 0xA1 && matches!(bytes[at], 0xA1..=0xA3 | 0xB0..=0xF7);
            if common {
                self.common += 1
            } else {
                self.rare += 1
            }
            at += 2;
        }
    }

    /// Whether the text passes for GB18030 and looks like none: better ask than store gibberish.
    pub fn is_doubtful(self) -> bool {
        self.verdict() == Some(GB18030) && self.common * 10 < (self.common + self.rare) * 7
    }

    /// What was seen, for people.
    pub fn words(self) -> String {
        match self {
            Self { pieces: 0, .. } => "nothing in the file is beyond ASCII".to_owned(),
            Self { pieces, not_utf8, neither, .. } => format!(
                "of {pieces} pieces of text beyond ASCII {} are well-formed UTF-8 and {} GB18030 alone",
                pieces - not_utf8,
                not_utf8 - neither
            ),
        }
    }

    /// The encoding that most pieces speak for. Chinese words in GB18030 are rarely well-formed UTF-8 (about one in five
    /// of those with one character), while UTF-8 may pass for GB18030: so UTF-8 is asked first. The few pieces that
    /// speak against it come out with U+FFFD, and their rows are refused.
    pub fn verdict(self) -> Option<&'static Encoding> {
        if self.not_utf8 == 0 || self.not_utf8 * 2 < self.pieces {
            Some(UTF_8)
        } else if self.neither * 2 < self.not_utf8 {
            Some(GB18030)
        } else {
            None
        }
    }
}

/// The name that GDAL and iconv know an encoding by.
pub(crate) fn name_for_gdal(encoding: &'static Encoding) -> String {
    match encoding.name() {
        "gb18030" => "GB18030".to_owned(),
        "Big5" => "CP950".to_owned(),
        "Shift_JIS" => "CP932".to_owned(),
        "EUC-KR" => "CP949".to_owned(),
        name => name.strip_prefix("windows-").map_or_else(|| name.to_owned(), |page| format!("CP{page}")),
    }
}

/// The name for people and receipts.
pub(crate) fn name(encoding: &'static Encoding) -> String {
    if encoding == GB18030 { "GB18030".to_owned() } else { encoding.name().to_owned() }
}

/// Reads any encoding as UTF-8; malformed bytes become U+FFFD, which the domain refuses row by row.
pub(crate) struct Transcoder<R> {
    inner: R,
    decoder: Decoder,
    raw: Pending,
    /// Decoded and not yet handed out: a reader may ask for fewer bytes than one character has.
    decoded: Pending,
    ended: bool,
}

struct Pending {
    bytes: Box<[u8]>,
    at: usize,
    end: usize,
}

impl Pending {
    fn new() -> Self {
        Self { bytes: vec![0; 1 << 15].into_boxed_slice(), at: 0, end: 0 }
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..self.end]
    }
}

impl<R: Read> Transcoder<R> {
    /// Starts; a byte order mark at the beginning is dropped.
    pub fn new(inner: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        Self { inner, decoder, raw: Pending::new(), decoded: Pending::new(), ended: false }
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut finished = self.ended;
        while self.decoded.rest().is_empty() && !finished {
            if self.raw.rest().is_empty() {
                self.raw.end = self.inner.read(&mut self.raw.bytes)?;
                self.raw.at = 0;
            }
            let last = self.raw.end == 0;
            let (result, read, written, _) =
                self.decoder.decode_to_utf8(&self.raw.bytes[self.raw.at..self.raw.end], &mut self.decoded.bytes, last);
            self.raw.at += read;
            (self.decoded.at, self.decoded.end) = (0, written);
            finished = last && result == CoderResult::InputEmpty;
        }
        self.ended = finished;
        let count = self.decoded.rest().len().min(out.len());
        out[..count].copy_from_slice(&self.decoded.rest()[..count]);
        self.decoded.at += count;
        Ok(count)
    }
}

/// The refusal of a file whose encoding its bytes do not tell.
pub(crate) fn doubtful(file: &str, evidence: Evidence) -> ReadError {
    let expected = "an encoding that the file says or that its bytes tell; these pass for GB18030, and most of the words are \
                    then none. Name it with --encoding (GBK, BIG5, Shift_JIS, windows-1252 …); --preview shows what the \
                    words then look like";
    refuse(file, "encoding-doubtful", &evidence.words(), expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_the_gb_family_all_mean_gb18030() {
        for label in ["GBK", "gb2312", "936", "CP936", "ANSI 936", "gb-18030", "\u{FEFF}GB18030\n"] {
            assert_eq!(by_label(label), Some(GB18030), "{label}");
        }
        assert_eq!(by_label("UTF-8"), Some(UTF_8));
        assert_eq!(by_label("1251").map(Encoding::name), Some("windows-1251"));
        assert_eq!(by_label("ISO-8859-2").map(Encoding::name), Some("ISO-8859-2"));
        assert_eq!(by_label("KOI8-R").map(Encoding::name), Some("KOI8-R"));
        assert_eq!(by_label("klingon"), None);
    }

    #[test]
    fn a_character_cut_at_the_end_of_a_field_does_not_turn_the_verdict() {
        let (gbk, ..) = GB18030.encode("上海市嘉定区");
        for (bytes, expected) in [("上海市".as_bytes(), UTF_8), (&gbk[..], GB18030)] {
            let mut evidence = Evidence::default();
            evidence.see(&bytes[..bytes.len() - 1]);
            assert_eq!(evidence.verdict(), Some(expected));
        }
        for text in ["上海市闵行区莘庄镇", "有限公司（一期）", "Ⅲ类"] {
            let mut evidence = Evidence::default();
            evidence.see(&GB18030.encode(text).0);
            assert!(!evidence.is_doubtful(), "{text}");
        }
        let mut neither = Evidence::default();
        neither.see(b"caf\xe9 \xff\xff\xff ok");
        assert_eq!(neither.verdict(), None);
    }

    #[test]
    fn one_broken_line_does_not_turn_a_file_of_utf8_into_another() {
        let mut evidence = Evidence::default();
        for line in ["上海市", "嘉定区", "安亭镇"] {
            evidence.see(line.as_bytes());
        }
        evidence.see(&GB18030.encode("青浦区").0);
        assert_eq!(evidence.verdict(), Some(UTF_8));
    }

    #[test]
    fn characters_split_between_two_reads_come_out_whole() {
        struct OneByOne<'a>(&'a [u8]);
        impl Read for OneByOne<'_> {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
                out[0] = *first;
                self.0 = rest;
                Ok(1)
            }
        }
        let (gbk, ..) = GB18030.encode("宗地编码,面积");
        let mut text = String::new();
        Transcoder::new(OneByOne(&gbk), GB18030).read_to_string(&mut text).unwrap_or_default();
        assert_eq!(text, "宗地编码,面积");
    }
}
