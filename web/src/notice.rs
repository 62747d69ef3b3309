//! The answers that are no pages: not found, refused, failed.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use maud::html;

use crate::{app::Shared, front::AGAIN};

/// What a visitor is told instead of a page.
#[derive(Clone, Debug)]
pub(crate) enum Notice {
    NotFound,
    Denied,
    Method,
    TooLong,
    Expired,
    /// Another commit came between; never shown, the page is opened again.
    Conflict,
    /// The text that was sent is too long.
    TooLarge,
    /// There is no room, or the server stops.
    Busy,
    /// The visitor, or many at one address, ask too often.
    TooOften,
    User(String),
    /// The same may be asked again later.
    Later(String),
    Failed {
        incident: String,
        /// The site of the failure in the source, in a debug build.
        site: String,
    },
}

/// What is said to whom has sent a form again with other values.
pub(crate) fn again(lang: &str) -> &'static str {
    if lang == "uk" {
        "Цю форму вже надіслано раніше, тож зміненого зараз не виконано. Перевірте введене й надішліть ще раз."
    } else {
        "This form was sent before, so that what has changed since was not done. Look at it and send it again."
    }
}

impl Notice {
    fn status(&self) -> StatusCode {
        match self {
            Notice::NotFound => StatusCode::NOT_FOUND,
            Notice::Denied => StatusCode::FORBIDDEN,
            Notice::Method => StatusCode::METHOD_NOT_ALLOWED,
            Notice::TooLong => StatusCode::URI_TOO_LONG,
            Notice::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Notice::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Notice::Expired => StatusCode::GONE,
            Notice::Conflict => StatusCode::CONFLICT,
            Notice::TooOften | Notice::Later(_) => StatusCode::TOO_MANY_REQUESTS,
            Notice::User(_) => StatusCode::BAD_REQUEST,
            Notice::Failed { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn text(&self, uk: bool) -> String {
        let (en_text, uk_text) = match self {
            Notice::NotFound => ("There is no such page.", "Такої сторінки немає."),
            Notice::Denied => {
                ("You have no right to see this page.", "У вас немає права бачити цю сторінку.")
            }
            Notice::Method => ("This address only shows pages.", "Ця адреса лише показує сторінки."),
            Notice::TooLong => ("This address is too long.", "Ця адреса задовга."),
            Notice::TooLarge => ("This is too much text.", "Забагато тексту."),
            Notice::Busy => ("The server is busy. Please try again.", "Сервер зайнятий. Спробуйте ще раз."),
            Notice::TooOften => {
                ("Too many requests. Please wait a little.", "Забагато запитів. Зачекайте трохи.")
            }
            Notice::Conflict => ("Please try again.", "Спробуйте ще раз."),
            Notice::Expired => {
                ("This link has expired. Please log in again.", "Це посилання застаріло. Увійдіть ще раз.")
            }
            Notice::User(text) | Notice::Later(text) => return text.clone(),
            Notice::Failed { incident, site } => {
                let text = if uk {
                    "Сталася помилка. Інцидент"
                } else {
                    "Something went wrong. Incident"
                };
                let site = if site.is_empty() { String::new() } else { format!(" [{site}]") };
                return format!("{text} {incident}.{site}");
            }
        };
        String::from(if uk { uk_text } else { en_text })
    }

    pub(crate) fn answer(&self, app: &Shared, lang: &str) -> Response {
        let (status, text, home) =
            (self.status(), self.text(lang == "uk"), if lang == "uk" { "На головну" } else { "Home" });
        let page = html! {
            (maud::DOCTYPE)
            html lang=(lang) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width,initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (status.as_u16()) }
                    @for style in &app.styles { link rel="stylesheet" href=(style.as_str()); }
                }
                body { main class="notice" { h1 { (status.as_u16()) } p { (text) } p { a href="/" { (home) } } } }
            }
        };
        let mut response = (status, Html(page.into_string())).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.headers_mut().insert(header::RETRY_AFTER, AGAIN);
        }
        response
    }
}
