//! CSV and XLSX as bureaus send them.

use super::{Rows, cell, codes, plain, text, with};
use chrono::NaiveDate;
use encoding_rs::GB18030;
use landcycle::domain::intake::{Cell, FieldType, Kind};
use landcycle::exchange::{Opened, Source};
use rstest::rstest;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use std::path::PathBuf;
use tempfile::TempDir;

fn csv(bytes: &[u8], kind: Kind) -> (Opened, Rows) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("table.csv");
    std::fs::write(&path, bytes).unwrap();
    plain(kind, &[path]).unwrap()
}

const ENTERPRISES: &str =
    "统一社会信用代码,企业名称,行业代码,成立日期,规上\n91310000MA1K35XXXX,\"演示一厂, 分部\",3610,2015-03-02,是\n";

fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[rstest]
#[case::plain(ENTERPRISES.as_bytes().to_vec(), "UTF-8")]
#[case::marked([b"\xEF\xBB\xBF", ENTERPRISES.as_bytes()].concat(), "UTF-8")]
#[case::gbk(GB18030.encode(ENTERPRISES).0.into_owned(), "GB18030")]
#[case::utf16(utf16(ENTERPRISES), "UTF-16LE")]
#[case::titled(format!("企业名录\n\n{ENTERPRISES}").into_bytes(), "UTF-8")]
fn a_table_reads_the_same_in_every_encoding(#[case] bytes: Vec<u8>, #[case] encoding: &str) {
    let (opened, rows) = csv(&bytes, Kind::Enterprises);
    assert_eq!(opened.encoding.as_deref(), Some(encoding));
    let expected = [text("91310000MA1K35XXXX"), text("演示一厂, 分部"), text("3610"), text("2015-03-02"), text("是")];
    assert_eq!((rows.len(), rows[0].row, &rows[0].cells[..]), (1, 1, &expected[..]));
}

#[rstest]
#[case(';')]
#[case('\t')]
fn the_delimiter_is_told_from_the_header(#[case] delimiter: char) {
    let table = ENTERPRISES.replace("\"演示一厂, 分部\"", "演示一厂").replace(',', &delimiter.to_string());
    let (_, rows) = csv(table.as_bytes(), Kind::Enterprises);
    assert_eq!(cell(Kind::Enterprises, &rows[0], "name"), &text("演示一厂"));
}

#[test]
fn figures_in_another_unit_are_converted_and_the_receipt_says_so() {
    let table =
        "统一社会信用代码,年度,工业总产值（元）,实缴税收(万元),主营业务收入（亿元）\nA,2024,\"1,234,560\",7.5,不详\n";
    let (opened, rows) = csv(table.as_bytes(), Kind::Returns);
    assert_eq!(cell(Kind::Returns, &rows[0], "output_wan_yuan"), &Cell::Number(123.456));
    assert_eq!(cell(Kind::Returns, &rows[0], "tax_wan_yuan"), &text("7.5"));
    assert_eq!(cell(Kind::Returns, &rows[0], "revenue_wan_yuan"), &text("不详"));
    assert_eq!(codes(&opened), ["unit-converted", "unit-converted"]);
    let used = opened.columns.iter().find(|used| used.field == "output_wan_yuan").unwrap();
    assert_eq!((used.from.as_str(), used.unit.as_deref()), ("工业总产值（元）", Some("元")));
}

#[rstest]
#[case("工业总产值(美元)", "美元")]
#[case("工业总产值（万美元）", "万美元")]
#[case("工业总产值(sq yd)", "sqyd")]
fn a_unit_that_nobody_knows_refuses_the_file_and_names_the_known_ones(#[case] column: &str, #[case] unit: &str) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("table.csv");
    std::fs::write(&path, format!("统一社会信用代码,年度,{column}\nA,2024,5\n")).unwrap();
    let error = plain(Kind::Returns, std::slice::from_ref(&path)).unwrap_err();
    let said = error.to_string();
    assert_eq!(error.findings()[0].code, "unknown-unit");
    assert!([column, unit, "output_wan_yuan", "万元, ", "亿元"].iter().all(|words| said.contains(words)), "{said}");
    let map = folder.path().join("map.toml");
    let rule = format!("aliases = true\n[fields]\noutput_wan_yuan = {{ column = {column:?}, factor = 2.0 }}\n");
    std::fs::write(&map, rule).unwrap();
    let (_, rows) = with(Kind::Returns, &Source { files: &[path], map: map.to_str(), ..Source::default() }).unwrap();
    assert_eq!(cell(Kind::Returns, &rows[0], "output_wan_yuan"), &Cell::Number(10.0));
}

#[test]
fn a_remark_in_brackets_is_no_unit() {
    let table = "统一社会信用代码,年度,工业总产值(必填),实缴税收(万元)(2024年)\nA,2024,5,6\n";
    let (opened, rows) = csv(table.as_bytes(), Kind::Returns);
    assert!(codes(&opened).is_empty(), "{:?}", opened.findings);
    assert_eq!(cell(Kind::Returns, &rows[0], "output_wan_yuan"), &text("5"));
}

#[test]
fn a_row_with_one_empty_cell_too_many_is_refused_and_not_shifted() {
    let table = "enterprise_code,name,industry,founded_on\nA,one,3962,\nB,two,,3962,\nC,three,3962\n";
    let (opened, rows) = csv(table.as_bytes(), Kind::Enterprises);
    assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [1]);
    let told: Vec<_> = opened.findings.iter().map(|finding| (finding.code.as_str(), finding.row)).collect();
    assert_eq!(told, [("ragged-row", Some(2)), ("ragged-row", Some(3))]);
    let (opened, rows) = csv(b"enterprise_code,name,\nA,one,\n", Kind::Enterprises);
    assert_eq!((rows.len(), opened.unreadable_rows), (1, 0), "every row ends in a comma, the header too");
}

#[test]
fn a_row_of_another_length_is_told_with_its_number_and_counted() {
    let table = "enterprise_code,name\nA,one\nB,two,three\nC\nD,four\n";
    let (opened, rows) = csv(table.as_bytes(), Kind::Enterprises);
    assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [1, 4]);
    let told: Vec<_> = opened.findings.iter().map(|finding| (finding.code.as_str(), finding.row)).collect();
    assert_eq!(told, [("ragged-row", Some(2)), ("ragged-row", Some(3))]);
    assert_eq!(opened.unreadable_rows, 2);
}

#[test]
fn bytes_of_no_encoding_come_out_as_replacement_characters_for_the_domain_to_refuse() {
    let (_, rows) = csv(b"enterprise_code,name\nA,caf\xe9 \xff\xff\xff\n", Kind::Enterprises);
    let Cell::Text(name) = cell(Kind::Enterprises, &rows[0], "name") else { panic!("no text") };
    assert!(name.contains('\u{FFFD}'), "{name}");
}

#[test]
fn columns_that_nobody_knows_or_that_say_the_same_twice_are_told() {
    let (opened, rows) = csv("信用代码,统一社会信用代码,名称,电话\nx,A,one,12345\n".as_bytes(), Kind::Enterprises);
    assert_eq!(codes(&opened), ["ambiguous-column", "ignored-columns"]);
    assert_eq!(cell(Kind::Enterprises, &rows[0], "enterprise_code"), &text("A"));
    assert!(opened.findings[1].sentence().contains("电话"));
}

#[test]
fn a_field_map_renames_translates_picks_rows_and_makes_keys() {
    let folder = TempDir::new().unwrap();
    let files = [folder.path().join("table.csv")];
    std::fs::write(&files[0], "厂,部,类,面积\nX,1,甲,3\nY,2,乙,\nZ,3,甲,6\n").unwrap();
    let map = folder.path().join("map.toml");
    let rules = r#"
        kind = "occupancies"
        where = { column = "类", equals = "甲" }
        [fields]
        parcel_code = { template = "P{部:03}-{row}" }
        enterprise_code = { column = "厂", values = { X = "9131X" } }
        role = { constant = "tenant" }
        floor_area_m2 = { column = "面积", unit = "亩" }
        from_on = { constant = "2020-01-01" }
    "#;
    std::fs::write(&map, rules).unwrap();
    let source = Source { files: &files, map: map.to_str(), ..Source::default() };
    let (opened, rows) = with(Kind::Occupancies, &source).unwrap();
    let found: Vec<_> = rows.iter().map(|row| (row.row, row.cells[..5].to_vec())).collect();
    let expected = |code, enterprise, area| {
        vec![text(code), text(enterprise), text("tenant"), Cell::Number(area), text("2020-01-01")]
    };
    assert_eq!(found, [(1, expected("P001-1", "9131X", 2000.0)), (3, expected("P003-3", "Z", 4000.0))]);
    assert_eq!(codes(&opened), ["unit-converted", "rows-left-out"]);
    for (wrong, code) in [
        (rules.replace("column = \"类\"", "column = \"种\""), "missing-column"),
        (rules.replace("{部:03}", "{局}"), "missing-column"),
        (rules.replace("occupancies", "parcels"), "bad-map"),
        (rules.replace("unit = \"亩\"", "unit = \"吨\""), "bad-map"),
        (rules.replace("constant = \"tenant\"", "colour = 1"), "bad-map"),
        (rules.replace("constant = \"tenant\"", "constant = \"tenant\", column = \"厂\""), "bad-map"),
    ] {
        std::fs::write(&map, &wrong).unwrap();
        let error = with(Kind::Occupancies, &source).unwrap_err();
        assert_eq!(error.findings()[0].code, code, "{error}");
    }
}

#[test]
fn pairs_on_the_command_line_name_single_columns_and_leave_the_others_to_their_words() {
    let folder = TempDir::new().unwrap();
    let files = [folder.path().join("table.csv")];
    std::fs::write(&files[0], "厂,企业名称\nA,one\n").unwrap();
    let source = Source { files: &files, map: Some("enterprise_code=厂"), ..Source::default() };
    let (_, rows) = with(Kind::Enterprises, &source).unwrap();
    assert_eq!(rows[0].cells[..2], [text("A"), text("one")]);
    for map in ["enterprise_code=没有", "nosuchfield=厂", "nosuchmap"] {
        let error =
            with(Kind::Enterprises, &Source { files: &files, map: Some(map), ..Source::default() }).unwrap_err();
        assert!(["missing-column", "bad-map"].contains(&error.findings()[0].code.as_str()), "{error}");
    }
}

/// A workbook with a title over its header, a gap, dates and codes that became numbers.
fn workbook(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("合同.xlsx");
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "2024年合同汇总").unwrap();
    let header = ["合同编号", "宗地编码", "供地方式", "签订日期", "出让年限", "成交价款(元)", "履约条款", "备注"];
    for (column, name) in header.iter().enumerate() {
        sheet.write(2, column as u16, *name).unwrap();
    }
    let day = Format::new().set_num_format("yyyy-mm-dd");
    for (row, number) in [(3, 20_240_001.0), (5, 20_240_002.0)] {
        sheet.write(row, 0, number).unwrap();
        sheet.write(row, 1, "310115001001GB00001").unwrap();
        sheet.write(row, 2, "出让").unwrap();
        sheet.write_with_format(row, 3, ExcelDateTime::from_ymd(2014, 7, 1).unwrap(), &day).unwrap();
        sheet.write(row, 4, 20).unwrap();
        sheet.write(row, 5, 12_345_678).unwrap();
        sheet.write(row, 6, true).unwrap();
    }
    book.add_worksheet().set_name("空表").unwrap();
    book.save(&path).unwrap();
    path
}

#[test]
fn a_workbook_with_a_title_dates_and_gaps_is_read_row_by_row() {
    let folder = TempDir::new().unwrap();
    let files = [workbook(&folder)];
    let (opened, rows) = plain(Kind::Contracts, &files).unwrap();
    // The numbers of the rows count from the header, gaps and all.
    assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [1, 3]);
    let day = Cell::Date(NaiveDate::from_ymd_opt(2014, 7, 1).unwrap());
    for (field, expected) in [
        ("contract_no", Cell::Number(20_240_001.0)),
        ("signed_on", day),
        ("term_years", Cell::Number(20.0)),
        ("price_wan_yuan", Cell::Number(1_234.567_8)),
        ("performance_terms", text("1")),
        ("holder", Cell::Empty),
    ] {
        assert_eq!(cell(Kind::Contracts, &rows[0], field), &expected, "{field}");
    }
    assert_eq!(codes(&opened), ["title-skipped", "unit-converted", "ignored-columns"]);
    let empty = Source { files: &files, layer: Some("空表"), ..Source::default() };
    assert_eq!(with(Kind::Contracts, &empty).unwrap_err().findings()[0].code, "empty-file");
}

#[rstest]
#[case(Kind::Enterprises, "统一社会信用代码,企业名称,行业代码,成立日期,规上")]
#[case(
    Kind::Occupancies,
    "宗地编码,统一社会信用代码,使用方式,建筑面积(平方米),起始日期,终止日期,纳税地,分摊比例(%),分摊理由,生效日期,失效日期"
)]
#[case(
    Kind::Contracts,
    "合同编号,宗地编码,供地方式,受让人,签订日期,出让年限,起始日期,终止日期,成交价款(万元),容积率下限,容积率上限,履约条款,责任单位,开发比例(%),投资比例(%),停工日期,原合同编号,付清日期,交地日期,定金(万元),过程评估间隔,履约保证金(万元),保证金比例(%),开工保证金(万元),竣工保证金(万元),投产保证金(万元),保证金形式,保证金应缴日期,保证金缴纳日期,保证金催缴日期,保证金处理,保证金处理日期,保证金没收金额(万元),开工保证金处理,开工保证金处理日期,开工保证金没收金额(万元),竣工保证金处理,竣工保证金处理日期,竣工保证金没收金额(万元),投产保证金处理,投产保证金处理日期,投产保证金没收金额(万元),生效日期,失效日期"
)]
#[case(
    Kind::Returns,
    "统一社会信用代码,年度,工业总产值(万元),主营业务收入(万元),实缴税收(万元),工业增加值(万元),固定资产累计(万元),综合能耗(吨标煤),污染物排放(吨),研发经费(万元),从业人员,本地从业人员,用电量(千瓦时),用水量(立方米),化学需氧量(吨),否决事项,否决解除日期"
)]
fn the_words_of_a_bureaus_header_name_every_field(#[case] kind: Kind, #[case] header: &str) {
    let (opened, _) = csv(format!("{header}\n").as_bytes(), kind);
    let named: Vec<&str> = opened.columns.iter().map(|used| used.field).collect();
    let all: Vec<&str> = kind.fields().iter().map(|field| field.name).collect();
    assert_eq!(named, all);
    assert_eq!(codes(&opened), ["no-rows"], "nothing to convert, ignore or doubt");
}

#[test]
fn canonical_names_are_known_for_every_kind_without_shapes() {
    for kind in Kind::ALL.into_iter().filter(|kind| kind.shapes() != landcycle::domain::intake::Shapes::Required) {
        let names: Vec<&str> = kind.fields().iter().map(|field| field.name).collect();
        let row: Vec<&str> =
            kind.fields().iter().map(|field| if field.holds == FieldType::Text { "x" } else { "1" }).collect();
        let (opened, rows) = csv(format!("{}\n{}\n", names.join(","), row.join(",")).as_bytes(), kind);
        assert_eq!(opened.columns.len(), names.len(), "{}", kind.name());
        assert_eq!((rows.len(), opened.findings.len()), (1, 0), "{}: {:?}", kind.name(), opened.findings);
    }
}
