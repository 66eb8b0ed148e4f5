//! Excel workbooks, written row by row with little memory: a sheet of data under its machine names, the same rows on a
//! sheet to be printed, and a dictionary of the columns. Text is text: no cell is a formula.
//!
//! The data sheet comes first, because programs read the first sheet, and is what an import takes back; the sheet to be
//! printed is what people see when they open the file, and is locked so that nobody corrects the copy.

use super::write::{Column, Staging, Value, WriteError, check_width};
use crate::domain::dictionary::Term;
use crate::domain::intake::FieldType;
use chrono::Datelike;
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};
use std::path::Path;

/// The most characters of a cell.
pub const MOST_CHARACTERS: usize = 32_767;
/// The most rows of a sheet, without the header.
const MOST_ROWS: u32 = 1_048_575;
/// Lines above the header of the printed sheet: title, source, date and revision.
const COVER_ROWS: u32 = 3;
/// Paper by the numbers that Excel has for it, and how many characters still read well across A4.
const A4: u8 = 9;
const A3: u8 = 8;
const A4_CHARACTERS: u16 = 170;
const GREY: Color = Color::RGB(0x00E7_ECF1);

/// What the printed sheet and the dictionary say about the rows.
#[derive(Debug, Clone)]
pub struct Cover<'a> {
    /// The title.
    pub title: String,
    /// Whose data they are, and what a reader must know about them.
    pub source: String,
    /// Of which day and revision they are.
    pub moment: String,
    /// The coordinate system of the register, where the rows have places.
    pub crs: Option<&'static str>,
    /// What the columns mean, in their order.
    pub terms: &'a [Term],
    /// The last column, where it holds shapes as text: for programs, and on no paper.
    pub shape: Option<&'a Term>,
}

/// Writes a workbook.
pub struct WorkbookWriter {
    staging: Staging,
    book: Workbook,
    formats: Vec<Format>,
    /// The formats of the printed sheet; nothing where there is none.
    printed: Vec<Format>,
    rows: u32,
}

impl WorkbookWriter {
    /// Begins a workbook with its header; without a cover it has the data sheet alone.
    pub fn create(path: &Path, sheet: &str, columns: &[Column], cover: Option<&Cover<'_>>) -> Result<Self, WriteError> {
        let staging = Staging::begin(path)?;
        let bordered = |column: &Column| format_of(column.holds).set_border(FormatBorder::Thin).set_text_wrap();
        let mut writer = Self {
            staging,
            book: Workbook::new(),
            formats: columns.iter().map(|column| format_of(column.holds)).collect(),
            printed: cover.map(|it| columns.iter().take(it.terms.len()).map(bordered).collect()).unwrap_or_default(),
            rows: 0,
        };
        writer.begin(sheet, columns, cover).map_err(|source| writer.fail(source))?;
        Ok(writer)
    }

    fn begin(&mut self, sheet: &str, columns: &[Column], cover: Option<&Cover<'_>>) -> Result<(), XlsxError> {
        // A workbook says when it was made. This one says the same day always, so that the same rows give the same bytes.
        let made = ExcelDateTime::from_ymd(2026, 6, 30)?;
        self.book.set_properties(&DocProperties::new().set_creation_datetime(&made));
        let data = self.book.add_worksheet_with_constant_memory()?;
        data.set_name(sheet_name(sheet))?;
        data.set_freeze_panes(1, 0)?;
        let bold = Format::new().set_bold().set_background_color(GREY);
        for (column, index) in columns.iter().zip(0_u16..) {
            data.set_column_width(index, f64::from(column.width.clamp(6, 80)))?;
            data.write_string_with_format(0, index, column.header(), &bold)?;
        }
        let Some(cover) = cover else { return Ok(()) };
        for_print(data, cover, 0)?;
        let printed = self.book.add_worksheet_with_constant_memory()?;
        printed.set_name("打印")?;
        print_head(printed, cover)?;
        let terms = self.book.add_worksheet_with_constant_memory()?;
        terms.set_name("数据字典")?;
        dictionary(terms, cover)
    }

    /// Writes one row.
    pub fn write(&mut self, row: &[Value]) -> Result<(), WriteError> {
        check_width(self.staging.target(), row, self.formats.len())?;
        let most = if self.printed.is_empty() { MOST_ROWS } else { MOST_ROWS - COVER_ROWS };
        if self.rows >= most {
            return Err(WriteError::TooManyRows { path: self.staging.target().to_owned(), most });
        }
        self.rows += 1;
        self.put(row).map_err(|source| self.fail(source))
    }

    fn put(&mut self, row: &[Value]) -> Result<(), XlsxError> {
        put(self.book.worksheet_from_index(0)?, self.rows, row, &self.formats, false)?;
        if self.printed.is_empty() {
            return Ok(());
        }
        put(self.book.worksheet_from_index(1)?, self.rows + COVER_ROWS, row, &self.printed, true)
    }

    /// Puts the workbook in its place.
    pub fn finish(mut self) -> Result<(), WriteError> {
        let path = self.staging.path();
        self.close().map_err(|source| self.fail(source))?;
        self.book.save(&path).map_err(|source| self.fail(source))?;
        self.staging.finish()
    }

    fn close(&mut self) -> Result<(), XlsxError> {
        if !self.printed.is_empty() {
            let last = u16::try_from(self.printed.len().saturating_sub(1)).unwrap_or(u16::MAX);
            let end = self.rows + COVER_ROWS;
            self.book.worksheet_from_index(1)?.set_print_area(0, 0, end, last)?;
        }
        Ok(())
    }

    fn fail(&self, source: XlsxError) -> WriteError {
        WriteError::Xlsx { path: self.staging.target().to_owned(), source }
    }
}

/// How a sheet leaves the printer: landscape, as wide as the page, the header on every page, pages numbered.
fn for_print(sheet: &mut Worksheet, cover: &Cover<'_>, header: u32) -> Result<(), XlsxError> {
    let across: u16 = cover.terms.iter().map(print_width).sum();
    let paper = if across > A4_CHARACTERS { A3 } else { A4 };
    sheet.set_landscape().set_paper_size(paper).set_print_fit_to_pages(1, 0);
    // & begins a code in a header; doubled it is itself.
    let plain = |text: &str| text.replace('&', "&&");
    sheet.set_header(format!("&L{}&R{}", plain(&cover.title), plain(&cover.moment)));
    sheet.set_footer("&L打印日期 &D&C第 &P 页 共 &N 页&Rlandcycle");
    sheet.set_margins(0.4, 0.4, 0.7, 0.6, 0.3, 0.3);
    sheet.set_repeat_rows(header, header)?;
    Ok(())
}

/// Long texts wrap, so that a page holds all columns.
fn print_width(term: &Term) -> u16 {
    term.width.clamp(8, 20)
}

/// Title, source, moment and the Chinese header with units.
fn print_head(sheet: &mut Worksheet, cover: &Cover<'_>) -> Result<(), XlsxError> {
    let heading = Format::new()
        .set_bold()
        .set_background_color(GREY)
        .set_border(FormatBorder::Thin)
        .set_align(FormatAlign::Center)
        .set_align(FormatAlign::VerticalCenter)
        .set_text_wrap();
    sheet.write_string_with_format(0, 0, &cover.title, &Format::new().set_bold().set_font_size(16))?;
    sheet.write_string(1, 0, &cover.source)?;
    sheet.write_string(2, 0, &cover.moment)?;
    for (term, index) in cover.terms.iter().zip(0_u16..) {
        sheet.set_column_width(index, f64::from(print_width(term)))?;
        sheet.write_string_with_format(COVER_ROWS, index, term.heading(), &heading)?;
    }
    sheet.set_freeze_panes(COVER_ROWS + 1, 0)?;
    for_print(sheet, cover, COVER_ROWS)?;
    sheet.set_active(true);
    // Without a password: whoever wants to change it can, after having been told.
    sheet.protect();
    Ok(())
}

/// One line a column: its name, its Chinese name, what it means, its unit, coordinate system and source.
fn dictionary(sheet: &mut Worksheet, cover: &Cover<'_>) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold().set_background_color(GREY).set_border(FormatBorder::Thin);
    let cell = Format::new().set_border(FormatBorder::Thin).set_text_wrap();
    let columns = [
        ("字段", 22.0),
        ("中文名称", 18.0),
        ("含义", 44.0),
        ("Meaning", 44.0),
        ("单位", 10.0),
        ("坐标系", 22.0),
        ("来源", 22.0),
        ("Source", 30.0),
    ];
    for ((name, width), index) in columns.into_iter().zip(0_u16..) {
        sheet.set_column_width(index, width)?;
        sheet.write_string_with_format(0, index, name, &bold)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    for (term, line) in cover.terms.iter().chain(cover.shape).zip(1_u32..) {
        let [source_zh, source_en] = term.origin.words();
        let crs = cover.crs.filter(|_| term.name.starts_with("area_") || matches!(term.name.as_str(), "lon" | "lat"));
        let words = [
            term.name.as_str(),
            term.zh.as_str(),
            term.meaning.zh.as_str(),
            term.meaning.en.as_str(),
            term.unit.as_deref().unwrap_or_default(),
            crs.unwrap_or_default(),
            source_zh,
            source_en,
        ];
        for (word, index) in words.into_iter().zip(0_u16..) {
            sheet.write_string_with_format(line, index, word, &cell)?;
        }
    }
    for_print(sheet, cover, 0)
}

/// Writes one row; on paper an empty cell has its borders, elsewhere it is left out.
fn put(sheet: &mut Worksheet, line: u32, row: &[Value], formats: &[Format], on_paper: bool) -> Result<(), XlsxError> {
    for ((value, format), index) in row.iter().zip(formats).zip(0_u16..) {
        match value {
            Value::Empty if on_paper => sheet.write_blank(line, index, format)?,
            Value::Empty => continue,
            Value::Text(text) => sheet.write_string_with_format(line, index, text, format)?,
            Value::Number(number) => sheet.write_number_with_format(line, index, *number, format)?,
            #[expect(clippy::cast_precision_loss, reason = "a sheet holds every number as a float")]
            Value::Integer(number) => sheet.write_number_with_format(line, index, *number as f64, format)?,
            Value::Date(day) => {
                let year = u16::try_from(day.year()).unwrap_or(0);
                // Both casts fit: a month has at most 31 days and a year 12 months.
                match ExcelDateTime::from_ymd(year, day.month() as u8, day.day() as u8) {
                    Ok(date) => sheet.write_datetime_with_format(line, index, date, format)?,
                    // A sheet knows no day before 1900: it is written as words rather than lost.
                    Err(_) => sheet.write_string_with_format(line, index, day.to_string(), format)?,
                }
            }
            Value::Flag(flag) => {
                sheet.write_string_with_format(line, index, if *flag { "是" } else { "否" }, format)?
            }
        };
    }
    Ok(())
}

fn format_of(holds: FieldType) -> Format {
    match holds {
        FieldType::Number => Format::new().set_num_format("#,##0.00##"),
        FieldType::Integer => Format::new().set_num_format("0"),
        FieldType::Date => Format::new().set_num_format("yyyy-mm-dd"),
        // As text, so that a program which opens the file does not make a number of a code.
        FieldType::Text => Format::new().set_num_format("@"),
        FieldType::Flag => Format::new(),
    }
}

/// A sheet's name has at most 31 characters and none of []:*?/\.
fn sheet_name(name: &str) -> String {
    let name: String = name.chars().filter(|c| !"[]:*?/\\".contains(*c)).take(31).collect();
    if name.is_empty() { "Sheet1".to_owned() } else { name }
}
