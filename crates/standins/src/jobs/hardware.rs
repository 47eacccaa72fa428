//! The hardware that jobs can run on, with the documented prices.
//!
//! Not here: what a job costs. Only names and prices are documented; processors, memory and disks are plausible.

use serde_json::{Value, json};

/// One kind of hardware.
#[derive(Debug)]
pub(crate) struct Flavor {
    name: &'static str,
    pretty: &'static str,
    cpu: &'static str,
    ram: &'static str,
    gpu: Option<Gpu>,
    micro_usd_per_hour: u64,
}

#[derive(Debug)]
struct Gpu {
    model: &'static str,
    quantity: u32,
    vram: &'static str,
}

impl Flavor {
    /// Gives the price of one unit of time in micro-dollars. A minute's is rounded as the Hub rounds: cpu-basic's 0.01
    /// USD an hour is 167.
    pub(crate) fn micro_usd(&self, unit: Unit) -> u64 {
        match unit {
            Unit::Minute => (self.micro_usd_per_hour + 30) / 60,
            Unit::Hour => self.micro_usd_per_hour,
        }
    }

    /// Gives the price of so many started minutes in micro-dollars, rounded up.
    pub(crate) fn bill(&self, minutes: u64, unit: Unit) -> u64 {
        let per = match unit {
            Unit::Minute => 1,
            Unit::Hour => 60,
        };
        minutes.saturating_mul(self.micro_usd(unit)).div_ceil(per)
    }

    /// Gives the number of its accelerators.
    pub(crate) fn accelerators(&self) -> u32 {
        self.gpu.as_ref().map_or(0, |gpu| gpu.quantity)
    }

    fn view(&self, unit: Unit) -> Value {
        let micro = self.micro_usd(unit);
        let accelerator = self.gpu.as_ref().map(|gpu| {
            json!({
                "type": "gpu",
                "model": gpu.model,
                "quantity": gpu.quantity.to_string(),
                "vram": gpu.vram,
                "manufacturer": "Nvidia",
            })
        });
        json!({
            "name": self.name,
            "prettyName": self.pretty,
            "cpu": self.cpu,
            "ram": self.ram,
            "ephemeralStorage": "50 GB",
            "accelerator": accelerator,
            "unitCostMicroUSD": micro,
            "unitCostUSD": micro as f64 / 1e6,
            "unitLabel": unit.label(),
        })
    }
}

/// The time that a listed price is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A minute, as the Hub lists them.
    Minute,
    /// An hour, as the documentation lists them: then prices are not rounded.
    Hour,
}

impl Unit {
    /// Reads the name of a unit.
    pub(crate) fn named(name: &str) -> Option<Unit> {
        [Unit::Minute, Unit::Hour].into_iter().find(|unit| unit.label() == name)
    }

    fn label(self) -> &'static str {
        match self {
            Unit::Minute => "minute",
            Unit::Hour => "hour",
        }
    }
}

/// Finds a kind of hardware by its name.
pub(crate) fn flavor(name: &str) -> Option<&'static Flavor> {
    FLAVORS.iter().find(|flavor| flavor.name == name)
}

/// Lists all hardware as the API does.
pub(crate) fn catalogue(unit: Unit) -> Value {
    FLAVORS.iter().map(|flavor| flavor.view(unit)).collect()
}

const fn cpu(
    name: &'static str,
    pretty: &'static str,
    size: (&'static str, &'static str),
    micro_usd_per_hour: u64,
) -> Flavor {
    Flavor { name, pretty, cpu: size.0, ram: size.1, gpu: None, micro_usd_per_hour }
}

const fn gpu(
    name: &'static str,
    pretty: &'static str,
    size: (&'static str, &'static str),
    card: (&'static str, u32, &'static str),
    micro_usd_per_hour: u64,
) -> Flavor {
    Flavor {
        name,
        pretty,
        cpu: size.0,
        ram: size.1,
        gpu: Some(Gpu { model: card.0, quantity: card.1, vram: card.2 }),
        micro_usd_per_hour,
    }
}

#[rustfmt::skip]
static FLAVORS: [Flavor; 26] = [
    cpu("cpu-basic", "CPU Basic", ("2 vCPU", "16 GB"), 10_000),
    cpu("cpu-upgrade", "CPU Upgrade", ("8 vCPU", "32 GB"), 30_000),
    cpu("cpu-performance", "CPU Performance", ("32 vCPU", "256 GB"), 1_900_000),
    cpu("cpu-xl", "CPU XL", ("16 vCPU", "124 GB"), 1_000_000),
    gpu("t4-small", "Nvidia T4 - small", ("4 vCPU", "15 GB"), ("T4", 1, "16 GB"), 400_000),
    gpu("t4-medium", "Nvidia T4 - medium", ("8 vCPU", "30 GB"), ("T4", 1, "16 GB"), 600_000),
    gpu("l4x1", "1x Nvidia L4", ("8 vCPU", "30 GB"), ("L4", 1, "24 GB"), 800_000),
    gpu("l4x4", "4x Nvidia L4", ("48 vCPU", "186 GB"), ("L4", 4, "96 GB"), 3_800_000),
    gpu("l40sx1", "1x Nvidia L40S", ("8 vCPU", "62 GB"), ("L40S", 1, "48 GB"), 1_800_000),
    gpu("l40sx4", "4x Nvidia L40S", ("48 vCPU", "382 GB"), ("L40S", 4, "192 GB"), 8_300_000),
    gpu("l40sx8", "8x Nvidia L40S", ("192 vCPU", "1534 GB"), ("L40S", 8, "384 GB"), 23_500_000),
    gpu("a10g-small", "Nvidia A10G - small", ("4 vCPU", "15 GB"), ("A10G", 1, "24 GB"), 1_000_000),
    gpu("a10g-large", "Nvidia A10G - large", ("12 vCPU", "46 GB"), ("A10G", 1, "24 GB"), 1_500_000),
    gpu("a10g-largex2", "2x Nvidia A10G - large", ("24 vCPU", "92 GB"), ("A10G", 2, "48 GB"), 3_000_000),
    gpu("a10g-largex4", "4x Nvidia A10G - large", ("48 vCPU", "184 GB"), ("A10G", 4, "96 GB"), 5_000_000),
    gpu("a100-large", "Nvidia A100 - large", ("12 vCPU", "142 GB"), ("A100", 1, "80 GB"), 2_500_000),
    gpu("a100x4", "4x Nvidia A100", ("48 vCPU", "568 GB"), ("A100", 4, "320 GB"), 10_000_000),
    gpu("a100x8", "8x Nvidia A100", ("96 vCPU", "1136 GB"), ("A100", 8, "640 GB"), 20_000_000),
    gpu("h200", "Nvidia H200", ("23 vCPU", "256 GB"), ("H200", 1, "141 GB"), 5_000_000),
    gpu("h200x2", "2x Nvidia H200", ("46 vCPU", "512 GB"), ("H200", 2, "282 GB"), 10_000_000),
    gpu("h200x4", "4x Nvidia H200", ("92 vCPU", "1024 GB"), ("H200", 4, "564 GB"), 20_000_000),
    gpu("h200x8", "8x Nvidia H200", ("184 vCPU", "2048 GB"), ("H200", 8, "1128 GB"), 40_000_000),
    gpu("rtx-pro-6000", "Nvidia RTX PRO 6000", ("24 vCPU", "128 GB"), ("RTX PRO 6000", 1, "96 GB"), 2_750_000),
    gpu("rtx-pro-6000x2", "2x Nvidia RTX PRO 6000", ("48 vCPU", "256 GB"), ("RTX PRO 6000", 2, "192 GB"), 5_500_000),
    gpu("rtx-pro-6000x4", "4x Nvidia RTX PRO 6000", ("96 vCPU", "512 GB"), ("RTX PRO 6000", 4, "384 GB"), 11_000_000),
    gpu("rtx-pro-6000x8", "8x Nvidia RTX PRO 6000", ("192 vCPU", "1024 GB"), ("RTX PRO 6000", 8, "768 GB"), 22_000_000),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_priced_as_the_hub_rounds_it() {
        for (name, expected) in [
            ("cpu-basic", 167),
            ("cpu-upgrade", 500),
            ("t4-small", 6_667),
            ("a10g-small", 16_667),
            ("l40sx8", 391_667),
            ("rtx-pro-6000", 45_833),
            ("h200x8", 666_667),
        ] {
            assert_eq!(flavor(name).unwrap().micro_usd(Unit::Minute), expected);
        }
    }

    #[test]
    fn an_hour_is_priced_as_it_is_documented_and_billed_without_a_loss() {
        let basic = flavor("cpu-basic").unwrap();
        assert_eq!(
            (basic.bill(60, Unit::Minute), basic.bill(60, Unit::Hour), basic.bill(1, Unit::Hour)),
            (10_020, 10_000, 167)
        );
        let first = &catalogue(Unit::Hour)[0];
        assert_eq!((&first["unitCostMicroUSD"], &first["unitLabel"]), (&json!(10_000), &json!("hour")));
        assert_eq!((Unit::named("hour"), Unit::named("second")), (Some(Unit::Hour), None));
    }

    #[test]
    fn cpu_basic_is_shown_as_the_documentation_shows_it() {
        let first = &catalogue(Unit::Minute)[0];
        assert_eq!(
            first.to_string(),
            r#"{"name":"cpu-basic","prettyName":"CPU Basic","cpu":"2 vCPU","ram":"16 GB","ephemeralStorage":"50 GB","accelerator":null,"unitCostMicroUSD":167,"unitCostUSD":0.000167,"unitLabel":"minute"}"#
        );
    }
}
