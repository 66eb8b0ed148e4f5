//! A filter as SQL: names come from the list of properties, values go as parameters, never into the text.

use crate::domain::filter::{Filter, Literal, Operand, Property};
use crate::domain::intake::FieldType;
use sqlx::{Postgres, QueryBuilder};

/// Appends a filter over columns of these names.
pub(super) fn push(sql: &mut QueryBuilder<Postgres>, filter: &Filter, properties: &[Property<'_>]) {
    match filter {
        Filter::And(parts) => joined(sql, parts, " and ", properties),
        Filter::Or(parts) => joined(sql, parts, " or ", properties),
        Filter::Not(inner) => {
            sql.push("(not ");
            push(sql, inner, properties);
            sql.push(")");
        }
        Filter::Constant(flag) => {
            sql.push_bind(*flag);
        }
        Filter::Compare(left, comparison, right) => {
            sql.push("(");
            operand(sql, left, properties);
            sql.push(format!(" {} ", comparison.sign()));
            operand(sql, right, properties);
            sql.push(")");
        }
        Filter::In(left, list) => {
            sql.push("(");
            operand(sql, left, properties);
            sql.push(" in (");
            for (index, one) in list.iter().enumerate() {
                if index > 0 {
                    sql.push(", ");
                }
                operand(sql, one, properties);
            }
            sql.push("))");
        }
        Filter::Between(left, low, high) => {
            sql.push("(");
            operand(sql, left, properties);
            sql.push(" between ");
            operand(sql, low, properties);
            sql.push(" and ");
            operand(sql, high, properties);
            sql.push(")");
        }
        Filter::Like(left, pattern) => {
            sql.push("(");
            operand(sql, left, properties);
            sql.push(" like ").push_bind(pattern.clone()).push(")");
        }
        Filter::IsNull(left) => {
            sql.push("(");
            operand(sql, left, properties);
            sql.push(" is null)");
        }
    }
}

fn joined(sql: &mut QueryBuilder<Postgres>, parts: &[Filter], word: &str, properties: &[Property<'_>]) {
    sql.push("(");
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            sql.push(word);
        }
        push(sql, part, properties);
    }
    sql.push(")");
}

fn operand(sql: &mut QueryBuilder<Postgres>, operand: &Operand, properties: &[Property<'_>]) {
    match operand {
        Operand::Property(index) => {
            // The place was given out by the reader of the same list.
            let Some(property) = properties.get(*index) else { return };
            // Texts compare by their letters' numbers, the same on every machine.
            let collation = if property.holds == FieldType::Text { " collate \"C\"" } else { "" };
            sql.push(format!("\"{}\"{collation}", property.name));
        }
        Operand::Literal(Literal::Text(text)) => {
            sql.push_bind(text.clone());
        }
        Operand::Literal(Literal::Number(number)) => {
            sql.push_bind(*number);
        }
        Operand::Literal(Literal::Date(day)) => {
            sql.push_bind(*day);
        }
        Operand::Literal(Literal::Flag(flag)) => {
            sql.push_bind(*flag);
        }
    }
}
