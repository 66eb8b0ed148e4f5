//! Where Shanghai's industry is: the names and rough centres of its industrial areas. How they are cut into parks and
//! what those give is made up.

/// What an area mostly does; it sets land uses, industries and sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    Research,
    Chips,
    Auto,
    Machines,
    Chemicals,
    Steel,
    Logistics,
    Health,
    Mixed,
}

/// How an area stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Known far beyond the city.
    Leading,
    /// Works well enough.
    Solid,
    /// To be transformed, or an old industrial estate of a town.
    Weak,
}

/// An industrial area.
pub(super) struct Place {
    /// Its name.
    pub name: &'static str,
    /// Its name in English.
    pub name_en: &'static str,
    /// The code of its district.
    pub district: &'static str,
    /// Its rough centre.
    pub lon: f64,
    /// Its rough centre.
    pub lat: f64,
    /// How much land it has beside the others of its standing.
    pub weight: f64,
    /// What it does.
    pub flavour: Flavour,
    /// How it stands.
    pub standing: Standing,
}

#[expect(clippy::too_many_arguments, reason = "one line of the table below")]
const fn place(
    name: &'static str,
    name_en: &'static str,
    district: &'static str,
    lon: f64,
    lat: f64,
    weight: f64,
    flavour: Flavour,
    standing: Standing,
) -> Place {
    Place { name, name_en, district, lon, lat, weight, flavour, standing }
}

use Flavour::{Auto, Chemicals, Chips, Health, Logistics, Machines, Mixed, Research, Steel};
use Standing::{Leading, Solid, Weak};

/// The areas.
#[rustfmt::skip]
pub(super) const PLACES: &[Place] = &[
    place("张江", "Zhangjiang", "310115", 121.600, 31.200, 24.0, Research, Leading),
    place("金桥", "Jinqiao", "310115", 121.600, 31.258, 15.0, Auto, Leading),
    place("外高桥", "Waigaoqiao", "310115", 121.625, 31.325, 11.0, Logistics, Leading),
    place("康桥", "Kangqiao", "310115", 121.575, 31.130, 12.0, Chips, Solid),
    place("周浦", "Zhoupu", "310115", 121.620, 31.085, 9.0, Health, Solid),
    place("川沙", "Chuansha", "310115", 121.715, 31.200, 12.0, Machines, Solid),
    place("曹路", "Caolu", "310115", 121.685, 31.275, 8.0, Mixed, Solid),
    place("祝桥航空", "Zhuqiao Aviation", "310115", 121.800, 31.100, 16.0, Machines, Leading),
    place("南汇", "Nanhui", "310115", 121.740, 31.030, 20.0, Machines, Solid),
    place("临港", "Lingang", "310115", 121.870, 30.910, 40.0, Machines, Leading),
    place("漕河泾", "Caohejing", "310104", 121.420, 31.165, 6.0, Research, Leading),
    place("漕河泾浦江", "Caohejing Pujiang", "310112", 121.510, 31.065, 10.0, Chips, Leading),
    place("闵行经开区", "Minhang Economic Zone", "310112", 121.400, 31.010, 14.0, Machines, Solid),
    place("莘庄", "Xinzhuang", "310112", 121.375, 31.075, 18.0, Chips, Solid),
    place("紫竹", "Zizhu", "310112", 121.455, 31.022, 9.0, Research, Leading),
    place("临空", "Linkong", "310105", 121.365, 31.217, 2.0, Research, Solid),
    place("市北", "Shibei", "310106", 121.450, 31.290, 3.0, Research, Leading),
    place("未来岛", "Future Island", "310107", 121.400, 31.265, 3.0, Research, Solid),
    place("北外滩虹口", "Hongkou", "310109", 121.490, 31.290, 1.0, Research, Solid),
    place("杨浦知识区", "Yangpu Knowledge", "310110", 121.530, 31.300, 3.0, Research, Solid),
    place("江南", "Jiangnan", "310101", 121.487, 31.215, 0.6, Research, Solid),
    place("宝山工业区", "Baoshan Industrial", "310113", 121.370, 31.435, 18.0, Machines, Solid),
    place("宝钢", "Baosteel", "310113", 121.440, 31.415, 20.0, Steel, Leading),
    place("国际汽车城", "Automobile City", "310114", 121.175, 31.295, 28.0, Auto, Leading),
    place("嘉定工业区", "Jiading Industrial", "310114", 121.235, 31.405, 30.0, Machines, Solid),
    place("南翔", "Nanxiang", "310114", 121.305, 31.300, 12.0, Mixed, Solid),
    place("松江工业区", "Songjiang Industrial", "310117", 121.245, 31.010, 32.0, Chips, Solid),
    place("九亭", "Jiuting", "310117", 121.295, 31.105, 14.0, Machines, Solid),
    place("青浦工业区", "Qingpu Industrial", "310118", 121.135, 31.165, 30.0, Machines, Solid),
    place("华新", "Huaxin", "310118", 121.215, 31.205, 14.0, Logistics, Solid),
    place("奉贤经开区", "Fengxian Economic Zone", "310120", 121.460, 30.925, 26.0, Health, Solid),
    place("临港奉贤", "Lingang Fengxian", "310120", 121.690, 30.870, 16.0, Machines, Solid),
    place("上海化学工业区", "Shanghai Chemical Industry Park", "310120", 121.480, 30.840, 22.0, Chemicals, Leading),
    place("金山工业区", "Jinshan Industrial", "310116", 121.300, 30.810, 22.0, Chemicals, Solid),
    place("金山石化", "Jinshan Petrochemical", "310116", 121.300, 30.735, 14.0, Chemicals, Solid),
    place("枫泾", "Fengjing", "310116", 121.050, 30.880, 10.0, Auto, Solid),
    place("长兴海洋装备", "Changxing Marine", "310151", 121.690, 31.385, 9.0, Machines, Solid),
    place("崇明工业园", "Chongming Industrial", "310151", 121.440, 31.680, 6.0, Mixed, Solid),

    place("吴淞", "Wusong", "310113", 121.480, 31.372, 12.0, Steel, Weak),
    place("吴泾", "Wujing", "310112", 121.478, 31.098, 5.0, Chemicals, Weak),
    place("高桥", "Gaoqiao", "310115", 121.570, 31.345, 7.0, Chemicals, Weak),
    place("南大", "Nanda", "310113", 121.395, 31.330, 6.0, Chemicals, Weak),
    place("桃浦", "Taopu", "310107", 121.378, 31.290, 4.0, Chemicals, Weak),
    place("大场", "Dachang", "310113", 121.440, 31.350, 5.0, Mixed, Weak),
    place("罗店", "Luodian", "310113", 121.350, 31.375, 6.0, Mixed, Weak),
    place("外冈", "Waigang", "310114", 121.155, 31.370, 8.0, Machines, Weak),
    place("华亭", "Huating", "310114", 121.275, 31.465, 6.0, Mixed, Weak),
    place("白鹤", "Baihe", "310118", 121.135, 31.232, 8.0, Mixed, Weak),
    place("练塘", "Liantang", "310118", 121.010, 31.020, 8.0, Machines, Weak),
    place("朱家角", "Zhujiajiao", "310118", 121.030, 31.105, 7.0, Mixed, Weak),
    place("石湖荡", "Shihudang", "310117", 121.120, 30.985, 8.0, Mixed, Weak),
    place("泖港", "Maogang", "310117", 121.250, 30.937, 5.0, Mixed, Weak),
    place("佘山", "Sheshan", "310117", 121.205, 31.090, 8.0, Machines, Weak),
    place("亭林", "Tinglin", "310116", 121.300, 30.885, 9.0, Machines, Weak),
    place("朱泾", "Zhujing", "310116", 121.155, 30.875, 9.0, Machines, Weak),
    place("廊下", "Langxia", "310116", 121.160, 30.790, 6.0, Mixed, Weak),
    place("张堰", "Zhangyan", "310116", 121.215, 30.740, 6.0, Chemicals, Weak),
    place("青村", "Qingcun", "310120", 121.580, 30.920, 12.0, Machines, Weak),
    place("庄行", "Zhuanghang", "310120", 121.400, 30.885, 8.0, Mixed, Weak),
    place("四团", "Situan", "310120", 121.680, 30.935, 9.0, Mixed, Weak),
    place("老港", "Laogang", "310115", 121.855, 31.030, 9.0, Mixed, Weak),
    place("大团", "Datuan", "310115", 121.785, 30.960, 7.0, Mixed, Weak),
    place("华漕", "Huacao", "310112", 121.290, 31.205, 5.0, Mixed, Weak),
    place("港沿", "Gangyan", "310151", 121.660, 31.600, 7.0, Mixed, Weak),
    place("新河", "Xinhe", "310151", 121.550, 31.650, 6.0, Mixed, Weak),
];

impl Place {
    /// How large its parcels are beside the city's mean.
    pub(super) fn parcel_size(&self) -> f64 {
        match self.flavour {
            Chemicals | Steel => 2.2,
            Auto => 1.5,
            Logistics => 1.4,
            Machines | Chips => 1.0,
            Health | Mixed => 0.8,
            Research => 0.75,
        }
    }
}
