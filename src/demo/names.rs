//! Made-up names: each says that it is one.

use super::chance::Chance;

const BRAND: [&str; 64] = [
    "华", "锐", "嘉", "泰", "恒", "远", "盛", "宏", "瑞", "丰", "鑫", "达", "新", "联", "启", "明", "博", "安", "永",
    "信", "东", "方", "海", "天", "金", "正", "立", "德", "凯", "源", "中", "晟", "卓", "越", "伟", "业", "星", "辰",
    "汇", "智", "创", "优", "利", "康", "佳", "润", "通", "宝", "腾", "飞", "亿", "诺", "科", "禾", "同", "顺", "江",
    "浦", "申", "荣", "百", "川", "景", "和",
];

const ROADS: [&str; 24] = [
    "创新", "兴业", "科苑", "金工", "振兴", "工业", "联合", "光明", "民营", "建设", "精工", "新程", "春晖", "云帆",
    "银河", "通达", "紫光", "汇丰", "江川", "东昇", "嘉松", "昌吉", "盛夏", "天雄",
];

/// The name of an enterprise with what it makes.
pub(super) fn enterprise(product: &str, chance: &mut Chance) -> String {
    let first = chance.pick(&BRAND);
    let second = chance.pick(&BRAND);
    let third = if chance.once_in(0.35) { chance.pick(&BRAND) } else { &"" };
    format!("演示{first}{second}{third}{product}有限公司")
}

/// An address in a district.
pub(super) fn address(district: &str, chance: &mut Chance) -> String {
    let road = chance.pick(&ROADS);
    let number = chance.whole(1, 2_999);
    format!("{district}{road}路{number}号（虚构）")
}

/// A code in the form of a unified social credit code that no real one can have: it holds the letter O, which real
/// ones never do.
pub(super) fn credit_code(district: &str, number: usize) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKLMNPQRTUWXYZ";
    let mut tail = String::new();
    for place in (0..6).rev() {
        tail.push(char::from(DIGITS[(number >> (5 * place)) & 31]));
    }
    format!("91{district}DEMO{tail}")
}
